-- Isthmus for an internal Prosody: sends every domain that this server does not serve itself to the component that Isthmus
-- is (XEP-0114). Without it each partner domain would need a component block of its own. Load it on the VirtualHost.
--
--   isthmus_component = "isthmus.chat.example"      the name of the Component block; required
--   isthmus_except    = { "direct.example" }        domains that stay with Prosody's own s2s, if that is loaded
--   isthmus_split     = true                        this domain is partly elsewhere: who has no account here is asked for there

local component = module:get_option_string("isthmus_component");
local except = module:get_option_set("isthmus_except", {});

if not component then
	error("isthmus_component is not set: name the Component block through which Isthmus connects");
end

-- The component's own handler writes it to Isthmus, addresses unchanged, or answers when Isthmus is not connected.
local function to_isthmus(event)
	local target = prosody.hosts[component];
	if not target or target.type ~= "component" then
		module:log("error", "There is no Component %q in the configuration; cannot send to Isthmus", component);
		return; -- Prosody answers that there is no route, or no such user
	end
	return target.events.fire_event(event.stanza.name .. "/bare", { origin = event.origin, stanza = event.stanza });
end

-- mod_s2s listens to the same event with negative priority, so this one is asked first.
module:hook("route/remote", function (event)
	if except:contains(event.to_host) then
		return; -- left to s2s
	end
	return to_isthmus(event);
end, 10);

-- A domain that is partly elsewhere: users of this server write to one of Isthmus' core as to a colleague. What comes from
-- Isthmus is never sent back.
if module:get_option_boolean("isthmus_split", false) then
	local jid = require "util.jid";
	local user_exists = require "core.usermanager".user_exists;
	for _, kind in ipairs({ "message", "presence", "iq" }) do
		for _, form in ipairs({ "bare", "full" }) do
			module:hook(kind .. "/" .. form, function (event)
				local user, host = jid.split(event.stanza.attr.to);
				if not user or event.origin.type == "component" or user_exists(user, host) then
					return; -- one of this server's own
				end
				return to_isthmus(event);
			end, 100);
		end
	end
end
