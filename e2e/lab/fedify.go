package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Peer is a fediverse server that is not ours: Fedify on Node, in
// e2e/fedify/peer.mjs.
type Peer struct {
	Host    string
	Users   []string
	control string
	dir     string
	env     []string
	proc    *Process
}

// Activity is an activity that arrived at a peer and passed its checks.
type Activity struct {
	Type, ID, Actor, Object string
	JSON                    map[string]any
}

// Delivery is a POST to one of a peer's inboxes, whatever became of it.
type Delivery struct {
	Path, Body string
	Status     int
}

// Note is what the command post takes. Visibility is public, unlisted,
// followers or direct.
type Note struct {
	HTML       string   `json:"html"`
	Visibility string   `json:"visibility,omitempty"`
	InReplyTo  string   `json:"inReplyTo,omitempty"`
	Mentions   []string `json:"mentions,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Warning    string   `json:"warning,omitempty"`
	Media      []Media  `json:"media,omitempty"`
}

// Media is an attachment of a note.
type Media struct {
	URL  string `json:"url"`
	Type string `json:"type"`
	Alt  string `json:"alt"`
}

// StartPeer starts the peer of that number, 0 or 1, with users. Those whose name
// begins with a hyphen approve followers by hand.
func (l *Lab) StartPeer(ctx context.Context, n int, users ...string) (*Peer, error) {
	host := l.Names.Peers[n]
	dir, err := l.folder(host)
	if err != nil {
		return nil, err
	}
	pair, err := l.CA.Issue(host)
	if err != nil {
		return nil, err
	}
	keys, err := l.keys(n)
	if err != nil {
		return nil, err
	}
	port, err := freePort(l.Names.PeerA[n], 9081)
	if err != nil {
		return nil, err
	}
	p := &Peer{Host: host, dir: dir, control: net.JoinHostPort(l.Names.PeerA[n], fmt.Sprint(port))}
	var locked []string
	for _, u := range users {
		name, isLocked := strings.CutPrefix(u, "-")
		p.Users = append(p.Users, name)
		if isLocked {
			locked = append(locked, name)
		}
	}
	p.env = append(os.Environ(), "HOST="+host, "LISTEN="+net.JoinHostPort(l.Names.PeerA[n], "443"),
		"CONTROL="+p.control, "CERT="+pair.Cert, "CERT_KEY="+pair.Key, "STATE="+dir, "KEYS="+keys,
		"USERS="+strings.Join(p.Users, ","), "LOCKED="+strings.Join(locked, ","), "NODE_EXTRA_CA_CERTS="+l.CA.File())
	l.onClose(func() error { return p.proc.Stop() })
	return p, p.Start(ctx)
}

// keys is a folder of key pairs that the peers of that number share with their
// like at other sites of the run.
func (l *Lab) keys(n int) (string, error) {
	dir := filepath.Join(filepath.Dir(l.Dir), "keys", fmt.Sprint(n))
	return dir, os.MkdirAll(dir, 0o755)
}

// Start starts the peer, where it ended if it ran before.
func (p *Peer) Start(ctx context.Context) error {
	folder, err := nodeFolder("fedify")
	if err != nil {
		return err
	}
	node, err := nodeProgram()
	if err != nil {
		return err
	}
	cmd := exec.Command(node, "peer.mjs")
	cmd.Dir, cmd.Env = folder, p.env
	if p.proc, err = startProcess(p.dir, "fedify", cmd); err != nil {
		return err
	}
	return p.proc.await(60*time.Second, func() error {
		return p.do(ctx, "people", map[string]any{"as": p.Users[0]}, nil)
	})
}

// Kill ends the peer at once; Start starts it again.
func (p *Peer) Kill() { p.proc.Kill() }

// InstallPeer fetches the packages that the peers need, unless they are there.
func InstallPeer() error {
	_, err := nodeFolder("fedify")
	return err
}

// nodeFolder is where a program on Node is, below e2e, its packages installed.
func nodeFolder(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "e2e", name)
	if isInstalled(dir) {
		return dir, nil
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".install.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return "", fmt.Errorf("lock the install of the packages of e2e/%s: %w", name, err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the install of the packages of e2e/%s: %w", name, err)
	}
	if isInstalled(dir) {
		return dir, nil
	}
	npm, err := program("npm", "npm")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install the packages of e2e/%s (npm ci): %w\n%s", name, err, out)
	}
	return dir, nil
}

// isInstalled tells whether the packages of a folder are those of its lock file.
func isInstalled(dir string) bool {
	want, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return false
	}
	got, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	return err == nil && got.ModTime().After(want.ModTime())
}

// nodeProgram is Node 20 or newer: the machine's, or the one that
// scripts/deps put beside the peer where the machine's is older.
func nodeProgram() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if own, err := filepath.Glob(filepath.Join(root, "e2e", "fedify", "node22", "node_modules", "node-linux-*", "bin", "node")); err == nil && len(own) > 0 {
		return own[0], nil
	}
	path, err := program("node", "nodejs")
	if err != nil {
		return "", err
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	var major int
	if _, err := fmt.Sscanf(string(out), "v%d.", &major); err != nil || major < 20 {
		return "", fmt.Errorf("node %s is too old, 20 is needed: scripts/deps installs one", strings.TrimSpace(string(out)))
	}
	return path, nil
}

// do runs a command of the peer.
func (p *Peer) do(ctx context.Context, command string, arguments, answer any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.control+"/"+command, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.Host, command, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.Host, command, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s: %s", p.Host, command, body, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// act runs a command that answers with an id.
func (p *Peer) act(ctx context.Context, command string, arguments map[string]any) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := p.do(ctx, command, arguments, &answer)
	return answer.ID, err
}

// Control is the address of the peer's control port.
func (p *Peer) Control() string { return p.control }

// Handle is a user's handle with the @ in front.
func (p *Peer) Handle(user string) string { return "@" + user + "@" + p.Host }

// Actor is a user's actor id.
func (p *Peer) Actor(user string) string { return "https://" + p.Host + "/users/" + user }

// Follow asks to follow a handle or an actor and returns the activity's id.
func (p *Peer) Follow(ctx context.Context, as, who string) (string, error) {
	return p.act(ctx, "follow", map[string]any{"as": as, "who": who})
}

// Post publishes a note and returns its id.
func (p *Peer) Post(ctx context.Context, as string, n Note) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := p.do(ctx, "post", struct {
		As string `json:"as"`
		Note
	}{as, n}, &answer)
	return answer.ID, err
}

// Edit changes a note.
func (p *Peer) Edit(ctx context.Context, as, object, html string) error {
	_, err := p.act(ctx, "edit", map[string]any{"as": as, "object": object, "html": html})
	return err
}

// Delete deletes a note.
func (p *Peer) Delete(ctx context.Context, as, object string) error {
	_, err := p.act(ctx, "delete", map[string]any{"as": as, "object": object})
	return err
}

// Like likes an object and returns the activity's id.
func (p *Peer) Like(ctx context.Context, as, object string) (string, error) {
	return p.act(ctx, "like", map[string]any{"as": as, "object": object})
}

// Emoji reacts to an object and returns the activity's id.
func (p *Peer) Emoji(ctx context.Context, as, object, emoji string) (string, error) {
	return p.act(ctx, "emoji", map[string]any{"as": as, "object": object, "emoji": emoji})
}

// Boost announces an object and returns the activity's id.
func (p *Peer) Boost(ctx context.Context, as, object string) (string, error) {
	return p.act(ctx, "boost", map[string]any{"as": as, "object": object})
}

// Undo takes back a follow, like or boost.
func (p *Peer) Undo(ctx context.Context, as, id string) error {
	_, err := p.act(ctx, "undo", map[string]any{"as": as, "id": id})
	return err
}

// Decide accepts or rejects an actor's request to follow a locked user.
func (p *Peer) Decide(ctx context.Context, as, who string, yes bool) error {
	command := map[bool]string{true: "accept", false: "reject"}[yes]
	return p.do(ctx, command, map[string]any{"as": as, "who": who}, nil)
}

// Send sends any activity, given without id and actor, to one actor.
func (p *Peer) Send(ctx context.Context, as, who string, activity map[string]any) error {
	_, err := p.act(ctx, "send", map[string]any{"as": as, "who": who, "activity": activity})
	return err
}

// Lookup resolves a handle or an id as a user of the peer.
func (p *Peer) Lookup(ctx context.Context, as, id string) (map[string]any, error) {
	var answer map[string]any
	err := p.do(ctx, "lookup", map[string]any{"as": as, "id": id}, &answer)
	return answer, err
}

// Outbox walks somebody's outbox, newest first.
func (p *Peer) Outbox(ctx context.Context, as, who string) ([]map[string]any, error) {
	var answer []map[string]any
	err := p.do(ctx, "outbox", map[string]any{"as": as, "who": who}, &answer)
	return answer, err
}

// People are a user's followers, followed and pending requests, as actor ids.
func (p *Peer) People(ctx context.Context, user string) (followers, following, requests []string, err error) {
	var answer struct{ Followers, Following, Requests []string }
	err = p.do(ctx, "people", map[string]any{"as": user}, &answer)
	return answer.Followers, answer.Following, answer.Requests, err
}

// Arrived are the activities that arrived since the peer was started.
func (p *Peer) Arrived(ctx context.Context) ([]Activity, error) {
	var answer []Activity
	err := p.do(ctx, "arrived", map[string]any{}, &answer)
	return answer, err
}

// Deliveries are all POSTs to the peer's inboxes since it was started.
func (p *Peer) Deliveries(ctx context.Context) ([]Delivery, error) {
	var answer []Delivery
	err := p.do(ctx, "posted", map[string]any{}, &answer)
	return answer, err
}

// Await waits for an activity that matches.
func (p *Peer) Await(ctx context.Context, what string, match func(Activity) bool) (Activity, error) {
	for {
		all, err := p.Arrived(ctx)
		if err != nil && ctx.Err() == nil {
			return Activity{}, err
		}
		for _, a := range all {
			if match(a) {
				return a, nil
			}
		}
		select {
		case <-ctx.Done():
			return Activity{}, fmt.Errorf("%s waited for %s: %w; what came:\n%s", p.Host, what, ctx.Err(), describe(all))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func describe(all []Activity) string {
	var b strings.Builder
	for _, a := range all {
		text, _ := json.Marshal(a.JSON)
		if len(text) > 500 {
			text = append(text[:500], " …"...)
		}
		fmt.Fprintf(&b, "%s %s\n", a.Type, text)
	}
	return b.String()
}

// Text is the content of the object inside the activity, or "".
func (a Activity) Text() string {
	object, _ := a.JSON["object"].(map[string]any)
	text, _ := object["content"].(string)
	return text
}
