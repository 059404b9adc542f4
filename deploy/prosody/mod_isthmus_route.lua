-- Isthmus for an internal Prosody: sends every domain that this server does not serve itself to the component that Isthmus
-- is (XEP-0114). Without it each partner domain would need a component block of its own. Load it on the VirtualHost.
--
--   isthmus_component = "isthmus.chat.example"      the name of the Component block; required
--   isthmus_except    = { "direct.example" }        domains that stay with Prosody's own s2s, if that is loaded

local component = module:get_option_string("isthmus_component");
local except = module:get_option_set("isthmus_except", {});

if not component then
	error("isthmus_component is not set: name the Component block through which Isthmus connects");
end

-- mod_s2s listens to the same event with negative priority, so this one is asked first.
module:hook("route/remote", function (event)
	if except:contains(event.to_host) then
		return; -- left to s2s
	end
	local target = prosody.hosts[component];
	if not target or target.type ~= "component" then
		module:log("error", "There is no Component %q in the configuration; cannot send to %s", component, event.to_host);
		return; -- Prosody answers that there is no route
	end
	-- The component's own handler writes it to Isthmus, addresses unchanged, or answers when Isthmus is not connected.
	return target.events.fire_event(event.stanza.name .. "/bare", { origin = event.origin, stanza = event.stanza });
end, 10);
