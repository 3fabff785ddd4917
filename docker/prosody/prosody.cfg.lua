-- Prosody 0.12 and 13 for Isthmus. The demo, the tests and compose.yaml run with
-- this file; what they change comes from the environment, the value after `or`
-- is what stands otherwise.
local function env(name, default)
	local value = os.getenv(name);
	if value == nil or value == "" then return default; end
	return value;
end

local function words(text)
	local list = {};
	for word in text:gmatch("%S+") do list[#list + 1] = word; end
	return list;
end

admins = words(env("XMPP_ADMINS", ""))

modules_enabled = {
	"roster"; "saslauth"; "tls"; "disco"; "ping"; "version"; "time"; "uptime";
	"pep"; -- the users' microblogs, avatars and profiles live here
	"vcard4"; "vcard_legacy"; "blocklist"; "carbons"; "smacks"; "csi_simple";
	"private"; "offline";
}
-- One machine, no federation over XMPP: delete this line on a real server.
modules_disabled = { "s2s" }

authentication = "internal_hashed"
storage = "internal"
local data = env("XMPP_DATA", "/var/lib/prosody")
data_path = data
pidfile = data .. "/prosody.pid"
certificates = env("XMPP_CERTS", "certs")
log = { [env("XMPP_LOG", "info")] = "*console" }

-- A PEP node keeps one item unless its owner asks for more; this is how many
-- more they may ask for.
pep_max_items = 1000

c2s_interfaces = words(env("XMPP_LISTEN", "*"))
c2s_ports = { tonumber(env("XMPP_C2S_PORT", "5222")) }
c2s_require_encryption = env("XMPP_TLS", "required") == "required"
allow_unencrypted_plain_auth = false

component_interfaces = words(env("COMPONENT_LISTEN", "127.0.0.1"))
component_ports = { tonumber(env("COMPONENT_PORT", "5347")) }
-- A gateway that comes back after a crash takes the place of its own half-dead
-- connection. With the other value it would be locked out until TCP gives up.
component_conflict_resolve = "kick_old"

for _, domain in ipairs(words(env("XMPP_DOMAINS", "example.org example.net"))) do
	VirtualHost(domain)
end

Component(env("AP_COMPONENT", "ap.example.org"))
	component_secret = env("AP_SECRET", nil)

-- A pubsub service, whose nodes can be actors too.
if env("PUBSUB_SERVICE", nil) then
	Component(env("PUBSUB_SERVICE"))("pubsub")
	autocreate_on_publish = true
	expose_publisher = true
	pubsub_max_items = 1000
end
