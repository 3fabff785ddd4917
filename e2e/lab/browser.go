package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Browser is Chromium, driven by e2e/browser/drive.mjs. It trusts the site's CA
// as any other, by the certificate store of its user, and checks certificates.
type Browser struct {
	dir    string
	driver *driver
}

// InstallBrowser fetches the packages that drive Chromium, unless they are there.
func InstallBrowser() error {
	_, err := nodeFolder("browser")
	return err
}

// StartBrowser starts Chromium with a home of its own.
func (l *Lab) StartBrowser(ctx context.Context) (*Browser, error) {
	dir, err := l.folder("browser")
	if err != nil {
		return nil, err
	}
	chromium, err := program("chromium", "chromium")
	if err != nil {
		return nil, err
	}
	if err := l.trust(ctx, dir); err != nil {
		return nil, err
	}
	folder, err := nodeFolder("browser")
	if err != nil {
		return nil, err
	}
	node, err := nodeProgram()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(node, "drive.mjs")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
	b := &Browser{dir: dir}
	ready := make(chan struct{})
	if b.driver, err = startDriver(dir, "browser", cmd, func([]byte) { close(ready) }); err != nil {
		return nil, err
	}
	l.onClose(b.driver.close)
	select {
	case <-ready:
		return b, nil
	case <-b.driver.proc.done:
		return nil, fmt.Errorf("the browser did not start:\n%s", tail(b.driver.proc.Log, 30))
	case <-ctx.Done():
		return nil, fmt.Errorf("the browser did not start: %w\n%s", ctx.Err(), tail(b.driver.proc.Log, 30))
	}
}

// trust makes a certificate store, as Chromium reads it from its user's home,
// that holds the site's CA.
func (l *Lab) trust(ctx context.Context, home string) error {
	certutil, err := program("certutil", "libnss3-tools")
	if err != nil {
		return err
	}
	store := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		return fmt.Errorf("make the browser's certificate store: %w", err)
	}
	for _, arguments := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-t", "C,,", "-n", "lab", "-i", l.CA.File()},
	} {
		out, err := exec.CommandContext(ctx, certutil, append([]string{"-d", "sql:" + store}, arguments...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("put the CA into the browser's store: %w: %s", err, out)
		}
	}
	return nil
}

// Tab is a tab of the browser, with cookies and storage of its own.
type Tab struct {
	browser *Browser
	id      int
}

// TabOptions say how a tab shows pages.
type TabOptions struct {
	Dark          bool // its user likes dark pages
	Width, Height int  // 0: 1000 by 800
	NoScript      bool // scripts of pages do not run
}

// Tab opens a tab.
func (b *Browser) Tab(ctx context.Context, o TabOptions) (*Tab, error) {
	t := &Tab{browser: b}
	request := map[string]any{"do": "tab", "dark": o.Dark, "width": o.Width, "height": o.Height, "script": !o.NoScript}
	return t, b.driver.do(ctx, request, &t.id)
}

// Visit is where an address led.
type Visit struct {
	URL     string
	Status  int
	Headers map[string]string
	Steps   []struct { // the redirects before
		URL    string
		Status int
	}
}

// Visit opens an address.
func (t *Tab) Visit(ctx context.Context, url string) (Visit, error) {
	var v Visit
	err := t.do(ctx, "visit", map[string]any{"url": url}, &v)
	return v, err
}

// Click clicks on what a CSS selector finds. Where that leads is seen later.
func (t *Tab) Click(ctx context.Context, selector string) error {
	return t.do(ctx, "click", map[string]any{"selector": selector}, nil)
}

// Fill writes into a field.
func (t *Tab) Fill(ctx context.Context, selector, text string) error {
	return t.do(ctx, "fill", map[string]any{"selector": selector, "text": text}, nil)
}

// Press presses a key. Where that leads is seen later.
func (t *Tab) Press(ctx context.Context, key string) error {
	return t.do(ctx, "press", map[string]any{"key": key}, nil)
}

// Eval evaluates an expression in the page, as its developer tools would.
func (t *Tab) Eval(ctx context.Context, expression string, into any) error {
	var raw json.RawMessage
	if err := t.do(ctx, "eval", map[string]any{"script": expression}, &raw); err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Picture writes a picture of the whole page into the folder of the browser and
// returns its file.
func (t *Tab) Picture(ctx context.Context, name string) (string, error) {
	file := filepath.Join(t.browser.dir, name+".png")
	return file, t.do(ctx, "picture", map[string]any{"file": file}, nil)
}

// Seen is what a tab did since it was opened.
type Seen struct {
	Requests   []string // every address that it asked for
	Complaints []string // of the console, of the policy, of the network
	Dialogs    []string
	Popups     int
}

// Seen returns what the tab did.
func (t *Tab) Seen(ctx context.Context) (Seen, error) {
	var s Seen
	err := t.do(ctx, "seen", map[string]any{}, &s)
	return s, err
}

func (t *Tab) do(ctx context.Context, what string, request map[string]any, into any) error {
	request["do"], request["tab"] = what, t.id
	return t.browser.driver.do(ctx, request, into)
}
