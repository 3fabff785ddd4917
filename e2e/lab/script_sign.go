package lab

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Activity makes an activity of the actor around an object.
func (a *ScriptActor) Activity(kind string, object any, to ...string) map[string]any {
	return map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "type": kind, "actor": a.ID, "object": object, "to": to,
		"id": fmt.Sprintf("%s/activities/%d", a.ID, time.Now().UnixNano()),
	}
}

// Note makes a note of the actor, and has it served at its id.
func (a *ScriptActor) Note(html string, to ...string) map[string]any {
	note := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "attributedTo": a.ID, "content": html, "to": to,
		"id":        fmt.Sprintf("%s/notes/%d", a.ID, time.Now().UnixNano()),
		"published": time.Now().UTC().Format(time.RFC3339Nano),
	}
	a.peer.Serve(note)
	return note
}

// Public is the address of everybody.
const Public = "https://www.w3.org/ns/activitystreams#Public"

// Post delivers an activity, signed, and returns the status and what was said.
func (a *ScriptActor) Post(inbox string, activity any) (int, string, error) {
	body, err := json.Marshal(activity)
	if err != nil {
		return 0, "", err
	}
	request, err := a.Request(inbox, body)
	if err != nil {
		return 0, "", err
	}
	return a.peer.Do(request)
}

// Do sends a request that was made with Request, bent or not.
func (s *Script) Do(request *http.Request) (int, string, error) {
	answer, err := s.web.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// Request is a delivery, signed with draft-cavage as Mastodon does.
func (a *ScriptActor) Request(inbox string, body []byte) (*http.Request, error) {
	request, err := http.NewRequest(http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	request.Header.Set("Content-Type", ActivityJSON)
	request.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	request.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	return request, a.Sign(request, "(request-target)", "host", "date", "digest", "content-type")
}

// Sign signs a request over the given headers.
func (a *ScriptActor) Sign(request *http.Request, headers ...string) error {
	sum := sha256.Sum256([]byte(signingString(request, request.URL.RequestURI(), request.URL.Host, headers)))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.peer.key, crypto.SHA256, sum[:])
	if err != nil {
		return err
	}
	request.Header.Set("Signature", fmt.Sprintf(`keyId="%s#main-key",algorithm="rsa-sha256",headers="%s",signature="%s"`,
		a.ID, strings.Join(headers, " "), base64.StdEncoding.EncodeToString(signature)))
	return nil
}

// signingString is that of draft-cavage-http-signatures-12 §2.3.
func signingString(request *http.Request, target, host string, headers []string) string {
	lines := make([]string, len(headers))
	for i, name := range headers {
		switch name {
		case "(request-target)":
			lines[i] = name + ": " + strings.ToLower(request.Method) + " " + target
		case "host":
			lines[i] = name + ": " + host
		default:
			lines[i] = name + ": " + strings.Join(request.Header.Values(name), ", ")
		}
	}
	return strings.Join(lines, "\n")
}

var signatureParameter = regexp.MustCompile(`(\w+)="([^"]*)"`)

// verify checks the signature of a delivery and returns the id of its key.
func (s *Script) verify(request *http.Request, body []byte) (string, error) {
	parameters := map[string]string{}
	for _, m := range signatureParameter.FindAllStringSubmatch(request.Header.Get("Signature"), -1) {
		parameters[m[1]] = m[2]
	}
	id, headers := parameters["keyId"], strings.Fields(parameters["headers"])
	for _, need := range []string{"(request-target)", "host", "date", "digest"} {
		if !strings.Contains(" "+parameters["headers"]+" ", " "+need+" ") {
			return id, fmt.Errorf("%s is not signed: %q", need, request.Header.Get("Signature"))
		}
	}
	sum := sha256.Sum256(body)
	if got, want := request.Header.Get("Digest"), "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return id, fmt.Errorf("digest %s, want %s", got, want)
	}
	signature, err := base64.StdEncoding.DecodeString(parameters["signature"])
	if err != nil {
		return id, err
	}
	key, err := s.publicKey(id)
	if err != nil {
		return id, err
	}
	sum = sha256.Sum256([]byte(signingString(request, request.RequestURI, request.Host, headers)))
	return id, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// publicKey fetches the key of an actor of the gateway.
func (s *Script) publicKey(id string) (*rsa.PublicKey, error) {
	s.mu.Lock()
	key := s.keys[id]
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	url, _, _ := strings.Cut(id, "#")
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", ActivityJSON)
	status, text, err := s.Do(request)
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("fetch the key %s: %d, %w", id, status, err)
	}
	var actor struct {
		PublicKey struct {
			ID           string `json:"id"`
			Owner        string `json:"owner"`
			PublicKeyPem string `json:"publicKeyPem"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(text), &actor); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(actor.PublicKey.PublicKeyPem))
	if block == nil || actor.PublicKey.ID != id || actor.PublicKey.Owner != url {
		return nil, fmt.Errorf("%s is not the key of %s: %.300s", id, url, text)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("no RSA key")
	}
	s.mu.Lock()
	s.keys[id] = key
	s.mu.Unlock()
	return key, nil
}
