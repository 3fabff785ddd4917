package webfinger

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// usageFor is how long the counts of NodeInfo are kept: crawlers come in crowds.
const usageFor = time.Minute

func (s *Server) nodeInfoLinks(w http.ResponseWriter, r *http.Request) {
	base := s.origin(r) + s.cfg.Path
	s.json(w, r, "application/json; charset=utf-8", jrd{Links: []link{ // I1
		{Rel: relNodeInfo + "2.1", Href: base + "/nodeinfo/2.1"},
		{Rel: relNodeInfo + "2.0", Href: base + "/nodeinfo/2.0"},
		{Rel: RelApplication, Href: base + "/instance"},
	}})
}

func (s *Server) nodeInfo(version string) http.HandlerFunc {
	contentType := `application/json; profile="` + relNodeInfo + version + `#"; charset=utf-8`
	return func(w http.ResponseWriter, r *http.Request) {
		usage, err := s.count(r.Context())
		if err != nil {
			s.fail(w, r, err)
			return
		}
		var doc nodeInfoDoc
		doc.Version = version
		doc.Software.Name, doc.Software.Version = "isthmus", s.cfg.Version
		doc.Protocols = []string{"activitypub", "xmpp"}
		doc.Services.Inbound, doc.Services.Outbound = []string{}, []string{}
		doc.Metadata = map[string]any{}
		doc.Usage.Users.Total = usage.Users
		doc.Usage.Users.ActiveMonth = usage.ActiveMonth
		doc.Usage.Users.ActiveHalfyear = usage.ActiveHalfyear
		doc.Usage.LocalPosts = usage.LocalPosts
		s.json(w, r, contentType, doc)
	}
}

// nodeInfoDoc is the document of schema 2.0 and 2.1 (I2).
type nodeInfoDoc struct {
	Version  string `json:"version"`
	Software struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"software"`
	Protocols []string `json:"protocols"`
	Services  struct {
		Inbound  []string `json:"inbound"`
		Outbound []string `json:"outbound"`
	} `json:"services"`
	OpenRegistrations bool `json:"openRegistrations"`
	Usage             struct {
		Users struct {
			Total          int `json:"total"`
			ActiveMonth    int `json:"activeMonth"`
			ActiveHalfyear int `json:"activeHalfyear"`
		} `json:"users"`
		LocalPosts int `json:"localPosts"`
	} `json:"usage"`
	Metadata map[string]any `json:"metadata"`
}

// count asks the directory for the usage at most once in usageFor.
func (s *Server) count(ctx context.Context) (Usage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if !s.counted.IsZero() && now.Sub(s.counted) < usageFor {
		return s.usage, nil
	}
	usage, err := s.cfg.Directory.Usage(ctx)
	if err != nil {
		return Usage{}, err
	}
	s.usage, s.counted = usage, now
	return usage, nil
}

// NodeInfo is what a server says about itself.
type NodeInfo struct {
	Software  string
	Version   string
	Protocols []string
}

// NodeInfo asks a host what it runs (I3). The answer is only as true as the
// host is honest. The link is fetched by the guarded client, as any other.
func (c *Client) NodeInfo(ctx context.Context, host string) (NodeInfo, error) {
	host, err := parseHost(host)
	if err != nil {
		return NodeInfo{}, fmt.Errorf("NodeInfo of %.100q: %w", host, err)
	}
	body, contentType, err := c.fetcher.Fetch(ctx, "https://"+host+"/.well-known/nodeinfo", "application/json", MaxDocument)
	if err != nil {
		return NodeInfo{}, fmt.Errorf("NodeInfo of %s: %w", host, classify(err))
	}
	links, err := parseTyped(body, contentType)
	if err != nil {
		return NodeInfo{}, fmt.Errorf("NodeInfo of %s: %w", host, err)
	}
	for _, version := range []string{"2.1", "2.0"} {
		href := links.href(relNodeInfo + version)
		if href == "" {
			continue
		}
		if !isHTTPS(href) {
			return NodeInfo{}, fmt.Errorf("NodeInfo of %s: its link is not https", host)
		}
		body, contentType, err := c.fetcher.Fetch(ctx, href, "application/json", MaxDocument)
		if err != nil {
			return NodeInfo{}, fmt.Errorf("NodeInfo of %s: %w", host, classify(err))
		}
		if !isJSONType(contentType) {
			return NodeInfo{}, fmt.Errorf("NodeInfo of %s: its type is %.100q", host, contentType)
		}
		return parseNodeInfo(body)
	}
	return NodeInfo{}, fmt.Errorf("NodeInfo of %s: %w", host, ErrNotFound)
}

func parseNodeInfo(body []byte) (NodeInfo, error) {
	var doc struct {
		Software struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"software"`
		Protocols any `json:"protocols"` // an object in the oldest schema
	}
	if len(body) > MaxDocument {
		return NodeInfo{}, fmt.Errorf("NodeInfo of %d bytes is over the limit", len(body))
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return NodeInfo{}, fmt.Errorf("read NodeInfo: %w", err)
	}
	info := NodeInfo{Software: strings.ToLower(doc.Software.Name), Version: doc.Software.Version}
	list, _ := doc.Protocols.([]any)
	for _, p := range list {
		if name, ok := p.(string); ok && len(info.Protocols) < maxLinks {
			info.Protocols = append(info.Protocols, name)
		}
	}
	return info, nil
}

func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Host != ""
}
