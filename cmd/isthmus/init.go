package main

import (
	"bufio"
	_ "embed" // the templates
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"isthmus/config"
)

type initCmd struct {
	Domain    string `placeholder:"NAME" help:"The XMPP domain, such as example.org."`
	Component string `placeholder:"NAME" help:"The gateway's own address on it (ap.DOMAIN)."`
	URL       string `placeholder:"URL" help:"The public URL of the domain (https://DOMAIN)."`
	Admin     string `placeholder:"JID" help:"Who may give the gateway orders over XMPP."`
}

var (
	//go:embed templates/isthmus.toml
	configText string
	//go:embed templates/paste.txt
	pasteText string
)

// answers are what the templates are filled with.
type answers struct {
	Domain, Component, URL, Admin string
	Path, PathPattern, Host       string
	Listen                        string // where the proxy finds us
	Done                          string // what was done, in a sentence
	Config, Secret                string // the two files
	SecretName, SecretText        string
}

// Run writes the configuration and the secret, and prints what to paste where.
// It writes nothing if one of the two is there already; if it is asked for nothing
// in particular then, it prints what to paste for what is there.
func (c *initCmd) Run(a *app, root *cli) error {
	if _, err := os.Stat(root.Config); err == nil && *c == (initCmd{}) {
		return again(a, root)
	}
	secretFile := filepath.Join(filepath.Dir(root.Config), "secret")
	for _, name := range []string{root.Config, secretFile} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; remove it first, or choose another folder with --config FILE", name)
		}
	}
	in, err := c.ask(a)
	if err != nil {
		return err
	}
	var random [24]byte
	if _, err := io.ReadFull(a.random, random[:]); err != nil {
		return fmt.Errorf("make a secret: %w", err)
	}
	in.SecretText, in.SecretName = hex.EncodeToString(random[:]), filepath.Base(secretFile)
	in.Config, in.Secret = root.Config, secretFile
	in.Listen, in.Done = "127.0.0.1:8480", fmt.Sprintf("Wrote %s and %s.", in.Config, in.Secret)
	text, err := fill(configText, in)
	if err != nil {
		return err
	}
	if err := writeNew(secretFile, in.SecretText+"\n", 0o600); err != nil {
		return err
	}
	if err := writeNew(root.Config, text, 0o644); err != nil {
		return errors.Join(err, os.Remove(secretFile))
	}
	// What serve would say to it, init says now; then nothing stays behind.
	if _, err := config.Load(root.Config, nil); err != nil {
		return errors.Join(err, os.Remove(secretFile), os.Remove(root.Config))
	}
	return in.print(a)
}

// again says what to paste for a configuration that is there.
func again(a *app, root *cli) error {
	cfg, err := a.config(root)
	if err != nil {
		return err
	}
	d := cfg.Domains[0]
	in := answers{
		Domain: d.Name, Component: cfg.XMPP.Component, URL: d.URL.String(), Host: d.URL.Host,
		Path: cfg.HTTP.Path, PathPattern: regexp.QuoteMeta(cfg.HTTP.Path[1:]), Listen: cfg.HTTP.Listen,
		Config: root.Config, Secret: cfg.XMPP.SecretFile, SecretText: cfg.XMPP.Secret,
		Done: root.Config + " is there already and stays as it is.",
	}
	if in.Secret == "" {
		in.Secret = root.Config
	}
	return in.print(a)
}

// print says what to paste where.
func (in answers) print(a *app) error {
	paste, err := fill(pasteText, in)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stdout, paste)
	return err
}

// ask takes the answers from the flags, or else asks for the three of them.
func (c *initCmd) ask(a *app) (answers, error) {
	lines, asked := bufio.NewScanner(a.stdin), false
	ask := func(given, question, usual, flag string) (string, error) {
		if given != "" {
			return given, nil
		}
		if usual != "" {
			question += " [" + usual + "]"
		}
		fmt.Fprint(a.stdout, question+": ")
		answer := ""
		if lines.Scan() {
			answer = strings.TrimSpace(lines.Text())
		} else {
			fmt.Fprintln(a.stdout)
		}
		if answer == "" {
			answer = usual
		}
		asked = true
		if answer == "" {
			return "", fmt.Errorf("there was no answer; give one with %s", flag)
		}
		return answer, nil
	}
	in := answers{Admin: c.Admin, Path: "/_ap"}
	in.PathPattern = regexp.QuoteMeta(in.Path[1:])
	var err error
	if in.Domain, err = ask(c.Domain, "XMPP domain, as behind the @ of a user", "", "--domain"); err != nil {
		return in, err
	}
	in.Domain = strings.ToLower(in.Domain)
	if in.Component, err = ask(c.Component, "Address of the gateway on the XMPP server", "ap."+in.Domain, "--component"); err != nil {
		return in, err
	}
	if in.URL, err = ask(c.URL, "Public URL of "+in.Domain, "https://"+in.Domain, "--url"); err != nil {
		return in, err
	}
	if !strings.Contains(in.URL, "://") {
		in.URL = "https://" + in.URL
	}
	if asked {
		fmt.Fprintln(a.stdout)
	}
	in.URL = strings.TrimSuffix(in.URL, "/")
	in.Host = in.Domain
	if u, err := url.Parse(in.URL); err == nil && u.Host != "" {
		in.Host = u.Host
	}
	return in, nil
}

func fill(text string, in answers) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, in)
	return b.String(), err
}

// writeNew writes a file that must not be there yet.
func writeNew(name, text string, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(name))
	}
	return nil
}
