package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// file is what stands in isthmus.toml, with the defaults of a fresh one. Its
// tags are the keys; the environment's names follow from them.
type file struct {
	Consent string       `toml:"consent"`
	Domain  []fileDomain `toml:"domain"`
	XMPP    struct {
		Component  string   `toml:"component"`
		Server     string   `toml:"server"`
		Secret     string   `toml:"secret"`
		SecretFile string   `toml:"secret_file"`
		Services   []string `toml:"services"`
		Admins     []string `toml:"admins"`
	} `toml:"xmpp"`
	HTTP struct {
		Listen         string   `toml:"listen"`
		Path           string   `toml:"path"`
		TrustedProxies []string `toml:"trusted_proxies"`
		TLSCert        string   `toml:"tls_cert"`
		TLSKey         string   `toml:"tls_key"`
		Search         bool     `toml:"search"`
		Metrics        string   `toml:"metrics"`
		Pprof          bool     `toml:"pprof"`
	} `toml:"http"`
	Cache struct {
		Path       string   `toml:"path"`
		KeepDays   int      `toml:"keep_days"`
		KeepKinds  []string `toml:"keep_kinds"`
		MaxSize    string   `toml:"max_size"`
		QuietHours string   `toml:"quiet_hours"`
	} `toml:"cache"`
	Federation struct {
		AllowPrivateAddresses []string `toml:"allow_private_addresses"`
		AllowPorts            []int    `toml:"allow_ports"`
		CAFile                string   `toml:"ca_file"`
		RequireSignedFetch    bool     `toml:"require_signed_fetch"`
		BlockedDomains        []string `toml:"blocked_domains"`
	} `toml:"federation"`
	Log struct {
		Level  string `toml:"level"`
		Format string `toml:"format"`
	} `toml:"log"`
}

type fileDomain struct {
	Name string `toml:"name"`
	URL  string `toml:"url"`
}

func defaults() *file {
	f := &file{Consent: "opt-in"}
	f.XMPP.Server = "127.0.0.1:5347"
	f.XMPP.SecretFile = "secret"
	f.HTTP.Listen = "127.0.0.1:8480"
	f.HTTP.Path = "/_ap"
	f.HTTP.TrustedProxies = []string{"127.0.0.1/32", "::1/128"}
	f.HTTP.Metrics = "127.0.0.1:9480"
	f.Cache.Path = "isthmus.db"
	f.Cache.QuietHours = "03:00-05:00"
	f.Federation.AllowPorts = []int{443}
	f.Log.Level = "info"
	f.Log.Format = "text"
	return f
}

// envPrefix begins the names of our variables: ISTHMUS_XMPP_SECRET.
const envPrefix = "ISTHMUS_"

// loader reads one configuration.
type loader struct {
	name  string // of the file
	dir   string // that its paths are relative to
	f     *file
	from  map[string]string // key -> name of the variable that set it, "" for the file
	warns []string
}

// Load reads the file and then the environment, in which every key outside
// [[domain]] can be set. environ has the form of os.Environ.
func Load(name string, environ []string) (Config, error) {
	l := &loader{name: name, dir: filepath.Dir(name), f: defaults(), from: map[string]string{}}
	if err := l.readFile(); err != nil {
		return Config{}, err
	}
	if err := l.readEnvironment(environ); err != nil {
		return Config{}, err
	}
	return l.check()
}

func (l *loader) readFile() error {
	text, err := os.ReadFile(l.name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file; run `isthmus init`, or name one with --config FILE", l.name)
	}
	if err != nil {
		return fmt.Errorf("read configuration: %w; let the user that runs isthmus read it", err)
	}
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			return fmt.Errorf("%s: line %d: %s; correct that line", l.name, parse.Position.Line, parse.Message)
		}
		return fmt.Errorf("%s: %w; correct the file", l.name, err)
	}
	return l.table("", tree, reflect.ValueOf(l.f).Elem())
}

// table puts a table of the file into a struct. Every key has to be known.
func (l *loader) table(prefix string, tree map[string]any, into reflect.Value) error {
	fields := make(map[string]reflect.Value, into.NumField())
	var names []string
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("toml")
		fields[name] = into.Field(i)
		names = append(names, name)
	}
	for _, name := range sorted(tree) {
		key, value := join(prefix, name), tree[name]
		field, ok := fields[name]
		if !ok {
			where := "the keys outside sections are "
			if prefix != "" {
				where = "the keys of " + prefix + " are "
			}
			return &Error{l.name, key, show(key, value), "there is no such key", where + strings.Join(names, ", ")}
		}
		if err := l.value(key, value, field); err != nil {
			return err
		}
	}
	return nil
}

// value puts one value of the file into a field of its type.
func (l *loader) value(key string, value any, field reflect.Value) error {
	l.from[key] = ""
	switch v := value.(type) {
	case string:
		if field.Kind() == reflect.String {
			field.SetString(v)
			return nil
		}
	case bool:
		if field.Kind() == reflect.Bool {
			field.SetBool(v)
			return nil
		}
	case int64:
		if field.Kind() == reflect.Int {
			field.SetInt(v)
			return nil
		}
	case map[string]any:
		if field.Kind() == reflect.Struct {
			return l.table(key, v, field)
		}
	case []map[string]any:
		if field.Type() == reflect.TypeFor[[]fileDomain]() {
			return l.list(key, len(v), field, func(i int) any { return v[i] })
		}
	case []any:
		if field.Kind() == reflect.Slice && field.Type() != reflect.TypeFor[[]fileDomain]() {
			return l.list(key, len(v), field, func(i int) any { return v[i] })
		}
	}
	return &Error{l.name, key, show(key, value), "that is the wrong kind of value", "write it as " + kind(field)}
}

func (l *loader) list(key string, n int, field reflect.Value, at func(int) any) error {
	field.Set(reflect.MakeSlice(field.Type(), n, n))
	for i := range n {
		if err := l.value(key, at(i), field.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// kind says how a value of the field is written.
func kind(field reflect.Value) string {
	switch field.Kind() {
	case reflect.String:
		return `text in quotes`
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a number"
	case reflect.Struct:
		return "a section in brackets"
	}
	switch field.Type().Elem().Kind() {
	case reflect.Int:
		return "a list of numbers, such as [443]"
	case reflect.Struct:
		return "sections in double brackets: [[domain]]"
	}
	return `a list of texts, such as ["a", "b"]`
}

// readEnvironment applies the variables that name keys.
func (l *loader) readEnvironment(environ []string) error {
	keys := map[string]reflect.Value{}
	leaves("", reflect.ValueOf(l.f).Elem(), keys)
	names := make(map[string]string, len(keys))
	for key := range keys {
		names[envPrefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || name == envPrefix+"CONFIG" {
			continue
		}
		key, ok := names[name]
		if !ok {
			if err := l.strangeVariable(name, value); err != nil {
				return err
			}
			continue
		}
		if !fromText(value, keys[key]) {
			return &Error{"", name, show(key, value), "that is the wrong kind of value", "write it as " + textKind(keys[key])}
		}
		l.from[key] = name
	}
	return nil
}

// strangeVariable refuses a variable that is meant for us but names no key.
// Others may only share the prefix, such as those that Kubernetes makes up for a
// service of our name.
func (l *loader) strangeVariable(name, value string) error {
	for i := range reflect.TypeFor[file]().NumField() {
		field := reflect.TypeFor[file]().Field(i)
		section := field.Tag.Get("toml")
		if field.Type.Kind() == reflect.Struct && strings.HasPrefix(name, envPrefix+strings.ToUpper(section)+"_") {
			return &Error{"", name, show(strings.ToLower(name), value), "there is no such key", "unset it, or see the keys of [" + section + "] in the configuration"}
		}
	}
	if strings.HasPrefix(name, envPrefix+"DOMAIN") {
		return &Error{"", name, show("", value), "domains are not taken from the environment", "write a [[domain]] into " + l.name}
	}
	return nil
}

// leaves lists the keys that have a value of their own, but for those of domains.
func leaves(prefix string, v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		key, field := join(prefix, v.Type().Field(i).Tag.Get("toml")), v.Field(i)
		switch {
		case field.Kind() == reflect.Struct:
			leaves(key, field, into)
		case field.Type() != reflect.TypeFor[[]fileDomain]():
			into[key] = field
		}
	}
}

// fromText sets a field from a variable. Lists are separated by commas.
func fromText(text string, field reflect.Value) bool {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return false
		}
		field.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return false
		}
		field.SetInt(int64(n))
	case reflect.Slice:
		var parts []string
		if strings.TrimSpace(text) != "" {
			parts = strings.Split(text, ",")
		}
		field.Set(reflect.MakeSlice(field.Type(), len(parts), len(parts)))
		for i, p := range parts {
			if !fromText(strings.TrimSpace(p), field.Index(i)) {
				return false
			}
		}
	}
	return true
}

func textKind(field reflect.Value) string {
	if field.Kind() == reflect.Slice {
		return "numbers separated by commas"
	}
	return kind(field)
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func sorted(tree map[string]any) []string {
	names := make([]string, 0, len(tree))
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// show writes a value for an error, in one short line. Secrets are never shown.
func show(key string, value any) string {
	if strings.Contains(key, "secret") && !strings.HasSuffix(key, "secret_file") {
		return ""
	}
	text := fmt.Sprint(value)
	if s, ok := value.(string); ok {
		text = strconv.Quote(s)
	}
	if len(text) > 100 {
		text = strings.ToValidUTF8(text[:100], "") + "…"
	}
	return strings.ReplaceAll(text, "\n", " ")
}
