package lab

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Document is an answer to a GET.
type Document struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the body as a JSON object.
func (d Document) JSON() (map[string]any, error) {
	var object map[string]any
	if err := json.Unmarshal(d.Body, &object); err != nil {
		return nil, fmt.Errorf("status %d, no JSON object: %w: %.200s", d.Status, err, d.Body)
	}
	return object, nil
}

// Web is an http client that trusts the site's CA and follows no redirects.
func (l *Lab) Web() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: l.CA.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get fetches a URL as somebody who signs nothing.
func (l *Lab) Get(ctx context.Context, url, accept string) (Document, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Document{}, err
	}
	request.Header.Set("Accept", accept)
	answer, err := l.Web().Do(request)
	if err != nil {
		return Document{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return Document{Status: answer.StatusCode, Header: answer.Header, Body: body}, err
}

// ActivityJSON is what a fediverse server accepts.
const ActivityJSON = "application/activity+json"
