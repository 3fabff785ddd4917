// Package docker holds the configuration of the servers around the gateway, in
// one copy for the image, the demo, the tests and whoever sets up their own.
package docker

import (
	"embed"
	"fmt"
	"os"
	"strings"
)

//go:embed prosody/prosody.cfg.lua ejabberd/ejabberd.yml nginx/isthmus.conf caddy/Caddyfile apache/isthmus.conf
var files embed.FS

// Config returns one of the configurations: prosody/prosody.cfg.lua,
// ejabberd/ejabberd.yml, nginx/isthmus.conf, caddy/Caddyfile or
// apache/isthmus.conf.
func Config(name string) (string, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("server configuration %s: %w", name, err)
	}
	return string(b), nil
}

// Fill puts values in the place of the ${NAMES} of a configuration. Other uses
// of $ stay as they are; a name without a value is an error.
func Fill(config string, values map[string]string) (string, error) {
	var missing []string
	filled := os.Expand(config, func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		if name == strings.ToUpper(name) && name != "" {
			missing = append(missing, name)
		}
		return "$" + name
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("no value for %s", strings.Join(missing, ", "))
	}
	return filled, nil
}
