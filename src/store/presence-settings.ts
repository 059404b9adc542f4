// What users say about their presence beside their state, on table `presence_settings`; sealed.

import { LEVELS, type Level } from '../model/core.ts';
import { NO_SETTINGS, type PresenceSettings, type PresenceSettingsStore } from '../model/presence-settings.ts';
import { blob } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

export function presenceSettingsTable(db: Database, seal: Seal): PresenceSettingsStore {
  return {
    async of(owner) {
      const row = db.prepare('SELECT sealed FROM presence_settings WHERE owner = ?').get(owner);
      const text = row && seal.open(blob(row, 'sealed'), label(owner))?.toString('utf8');
      return text === undefined ? NO_SETTINGS : read(text);
    },
    put(owner, settings) {
      const nothing = JSON.stringify(settings) === JSON.stringify(NO_SETTINGS);
      return db.write(() => {
        if (nothing) db.prepare('DELETE FROM presence_settings WHERE owner = ?').run(owner);
        else
          db.prepare('INSERT OR REPLACE INTO presence_settings (owner, sealed) VALUES (?, ?)').run(
            owner,
            seal.close(JSON.stringify(settings), label(owner)),
          );
      });
    },
  };
}

/** Bound to its place: the settings of one user do not open as those of another. */
function label(owner: string): string {
  return `presence\0${owner}`;
}

function read(text: string): PresenceSettings {
  const { domains, ...rest }: PresenceSettings = { ...NO_SETTINGS, ...JSON.parse(text) }; // written by put
  const known = Object.entries(domains).filter((pair): pair is [string, Level] => LEVELS.includes(pair[1]));
  return { ...rest, domains: Object.fromEntries(known) };
}
