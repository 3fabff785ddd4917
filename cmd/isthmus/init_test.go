package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"isthmus/config"
	"isthmus/docker"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The three questions, two of them answered by silence.
func TestInit(t *testing.T) {
	b := newBench(t, "")
	b.stdin = "Example.org\n\n\n"
	b.random = bytes.NewReader(bytes.Repeat([]byte{0xa5}, 24))
	status, out, errs := b.with("init")
	if status != exitDone || errs != "" {
		t.Fatalf("status %d: %s", status, errs)
	}
	golden(t, "init.txt", strings.ReplaceAll(out, b.dir, "DIR"))
	golden(t, "init.toml", read(t, b.config))
	for name, mode := range map[string]os.FileMode{"isthmus.toml": 0o644, "secret": 0o600} {
		info, err := os.Stat(filepath.Join(b.dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if secret := read(t, filepath.Join(b.dir, "secret")); secret != strings.Repeat("a5", 24)+"\n" {
		t.Errorf("secret %q", secret)
	}
}

// What init writes says nothing but the defaults and the answers.
func TestInitWritesDefaults(t *testing.T) {
	b := newBench(t, "")
	status, _, errs := b.with("init", "--domain", "example.net", "--component", "fedi.example.net", "--url", "social.example.net/", "--admin", "louise@example.net")
	if status != exitDone {
		t.Fatal(errs)
	}
	got, err := config.Load(b.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	least := newBench(t, "[[domain]]\nname = \"example.net\"\nurl = \"https://social.example.net\"\n[xmpp]\ncomponent = \"fedi.example.net\"\nadmins = [\"louise@example.net\"]\n")
	least.write("secret", got.XMPP.Secret)
	want, err := config.Load(least.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.File, want.Cache.Path, want.XMPP.SecretFile = got.File, got.Cache.Path, got.XMPP.SecretFile
	prefixes := cmpopts.EquateComparable(want.HTTP.TrustedProxies[0])
	if diff := cmp.Diff(want, got, prefixes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestInitAgain: what to paste is said again, from the configuration that is there.
func TestInitAgain(t *testing.T) {
	b := newBench(t, "")
	status, first, errs := b.with("init", "--domain", "example.net", "--component", "fedi.example.net", "--url", "https://social.example.net")
	if status != exitDone {
		t.Fatal(errs)
	}
	status, again, errs := b.with("init")
	_, want, _ := strings.Cut(first, "\n")
	said, got, _ := strings.Cut(again, "\n")
	if status != exitDone || !strings.HasSuffix(said, "is there already and stays as it is.") {
		t.Errorf("status %d: %s%s", status, said, errs)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	b.write("isthmus.toml", "mine")
	if status, out, errs := b.with("init"); status != exitFailed || out != "" || !strings.Contains(errs, "isthmus.toml") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	for _, name := range []string{"isthmus.toml", "secret"} {
		b := newBench(t, "")
		b.write(name, "mine")
		status, out, errs := b.with("init", "--domain", "example.org", "--component", "ap.example.org", "--url", "https://example.org")
		if status != exitFailed || out != "" || !strings.Contains(errs, name+" is there already") {
			t.Errorf("status %d: %s%s", status, out, errs)
		}
		if read(t, filepath.Join(b.dir, name)) != "mine" {
			t.Errorf("%s was overwritten", name)
		}
		if entries, err := os.ReadDir(b.dir); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	}
}

// A wrong answer leaves nothing behind.
func TestInitRefusesNonsense(t *testing.T) {
	for want, args := range map[string][]string{
		"domain.name":    {"--domain", "louise@example.org", "--component", "ap.example.org", "--url", "https://example.org"},
		"domain.url":     {"--domain", "example.org", "--component", "ap.example.org", "--url", "http://example.org"},
		"xmpp.component": {"--domain", "example.org", "--component", "example.org", "--url", "https://example.org"},
		"--domain":       {},
		"no such folder": {"--config", "/nowhere/isthmus.toml", "--domain", "example.org", "--component", "ap.example.org", "--url", "https://example.org"},
	} {
		b := newBench(t, "")
		all := append([]string{"init"}, args...)
		if want != "no such folder" {
			all = append(all, "--config", b.config)
		}
		status, _, errs := b.run(all...)
		if want == "no such folder" {
			want = "no such file or directory"
		}
		if status != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%q: status %d: %s", args, status, errs)
		}
		if entries, err := os.ReadDir(b.dir); err != nil || len(entries) != 0 {
			t.Errorf("%q: %v, %v", args, entries, err)
		}
	}
}

// What is pasted into servers is what the tests run with.
func TestPasteIsWhatIsTested(t *testing.T) {
	paste, err := fill(pasteText, answers{Listen: "${GATEWAY}", Path: "/_ap", PathPattern: "_ap", Component: "${AP_COMPONENT}", SecretText: "${AP_SECRET}"})
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	lines := map[string]bool{}
	for line := range strings.Lines(paste) {
		line, _, _ = strings.Cut(line, "  #")
		lines[squeeze(line)] = true
	}
	for name, prefixes := range map[string][]string{
		"nginx/isthmus.conf":  {"location ~", "proxy_", "client_max_body_size"},
		"caddy/Caddyfile":     {"@isthmus", "handle @isthmus", "reverse_proxy"},
		"apache/isthmus.conf": {"AllowEncodedSlashes", "ProxyPreserveHost", "RequestHeader", "ProxyPass "},
		"ejabberd/ejabberd.yml": {"module: ejabberd_service", "max_stanza_size: 524288", `"${AP_COMPONENT}"`, "password:",
			"force_node_config", `"urn:xmpp`, "presence_based_delivery"},
		"prosody/prosody.cfg.lua": {"component_conflict_resolve", "pep_max_items"},
	} {
		text, err := docker.Config(name)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for line := range strings.Lines(text) {
			line = squeeze(line)
			for _, p := range prefixes {
				if strings.HasPrefix(line, p) {
					found++
					if !lines[line] {
						t.Errorf("%s has %q, init does not", name, line)
					}
				}
			}
		}
		if found < len(prefixes) {
			t.Errorf("%s: only %d lines of %q", name, found, prefixes)
		}
	}
}
