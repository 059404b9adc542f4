// States that an administrator defines beside the built-in ones (people/states.yaml; lync-features A1).

export interface CustomState {
  readonly id: string;
  /** How it counts for everybody who knows nothing of it. */
  readonly class: 'available' | 'busy' | 'doNotDisturb';
  /** By language tag; `''` is for every other language. */
  readonly words: Readonly<Record<string, string>>;
}
