package docker

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, name := range []string{"prosody/prosody.cfg.lua", "ejabberd/ejabberd.yml", "nginx/isthmus.conf", "caddy/Caddyfile", "apache/isthmus.conf"} {
		if text, err := Config(name); err != nil || text == "" {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	if _, err := Config("nginx/absent"); err == nil {
		t.Error("a configuration that is not there is found")
	}
}

func TestFill(t *testing.T) {
	got, err := Fill("listen ${WEB}:443; set $host $proxy_add_x; pass http://${GATEWAY};", map[string]string{"WEB": "127.0.0.2", "GATEWAY": "x:1"})
	if want := "listen 127.0.0.2:443; set $host $proxy_add_x; pass http://x:1;"; err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if _, err := Fill("${WEB} ${LOST}", map[string]string{"WEB": ""}); err == nil || !strings.Contains(err.Error(), "LOST") {
		t.Errorf("a name without a value: %v", err)
	}
}
