package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"isthmus/config"
)

// Commands that take or give much, or take long, go over the socket as a
// stream: what they read and write are the bodies, what they say at the end is
// in trailers.
const (
	headerCall     = "Isthmus-Call"
	trailerReport  = "Isthmus-Report"
	trailerFailure = "Isthmus-Failure"
)

// maxCall bounds a call in a header.
const maxCall = 16 << 10

// stream runs a command with input and output.
func (c *controller) stream(w http.ResponseWriter, r *http.Request) {
	var in call
	text, err := url.QueryUnescape(r.Header.Get(headerCall))
	if err == nil && len(text) > maxCall {
		err = errors.New("it is too long")
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &in)
	}
	if err != nil {
		answerJSON(w, http.StatusBadRequest, failure{"the command could not be read: " + err.Error()})
		return
	}
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil {
		c.log.Warn("a command cannot read and write at once", "error", err)
	}
	w.Header().Set("Trailer", trailerReport+", "+trailerFailure)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	_ = control.Flush() // whoever asked is gone, which shows later
	out, err := c.svc.Stream(r.Context(), in, r.Body, flusher{w, control})
	// What a command left unread: net/http must not be reading it when this
	// returns, as it does in full duplex.
	_, _ = io.Copy(io.Discard, r.Body)
	if err != nil {
		c.log.InfoContext(r.Context(), "command failed", "command", in.Name, "as", in.As, "error", err)
		w.Header().Set(trailerFailure, url.QueryEscape(err.Error()))
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		w.Header().Set(trailerFailure, url.QueryEscape(err.Error()))
		return
	}
	w.Header().Set(trailerReport, url.QueryEscape(string(body)))
}

// flusher sends what is written at once: people watch it.
type flusher struct {
	w       io.Writer
	control *http.ResponseController
}

func (f flusher) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}

// stream gives a command to the running gateway.
func (r *remote) stream(ctx context.Context, in call, from io.Reader, to io.Writer) (report, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return report{}, err
	}
	body := io.Reader(http.NoBody)
	if from != http.NoBody {
		body = io.NopCloser(from) // whoever opened it closes it
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://isthmus/v1/stream", body)
	if err != nil {
		return report{}, err
	}
	req.Header.Set(headerCall, url.QueryEscape(string(text)))
	patient := http.Client{Transport: r.client.Transport} // it may take hours
	resp, err := patient.Do(req)
	if err != nil {
		return report{}, r.unreached(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return report{}, refusal(resp)
	}
	if err := pour(to, resp.Body); err != nil {
		return report{}, err
	}
	said, err := url.QueryUnescape(resp.Trailer.Get(trailerFailure))
	if err != nil || said != "" {
		return report{}, errors.Join(err, errors.New(said))
	}
	var out report
	said, err = url.QueryUnescape(resp.Trailer.Get(trailerReport))
	if err == nil {
		err = json.Unmarshal([]byte(said), &out)
	}
	if err != nil {
		return out, fmt.Errorf("the running gateway broke off: %w", err)
	}
	return out, nil
}

// pour copies what the gateway writes, and tells its troubles from those of
// whatever it is written to.
func pour(to io.Writer, from io.Reader) error {
	w := keeper{w: to}
	_, err := io.Copy(&w, from)
	if w.err != nil {
		return w.err
	}
	if err != nil {
		return fmt.Errorf("the running gateway broke off: %w", err)
	}
	return nil
}

// keeper keeps the error of a writer.
type keeper struct {
	w   io.Writer
	err error
}

func (k *keeper) Write(b []byte) (n int, err error) {
	n, err = k.w.Write(b)
	k.err = err
	return n, err
}

// pipe is what a command that streams reads and writes.
type pipe struct {
	in  io.Reader
	out io.Writer
}

// askStream gives a command that streams to the running gateway, or to the file
// if none runs.
func (a *app) askStream(ctx context.Context, root *cli, in call, p pipe) (report, error) {
	cfg, err := a.config(root)
	if err != nil {
		return report{}, err
	}
	if p.in == nil {
		p.in = http.NoBody
	}
	out, err := dial(cfg).stream(ctx, in, p.in, p.out)
	if !errors.Is(err, errNoServer) {
		return out, err
	}
	return a.streamFile(ctx, cfg, in, p)
}

// streamFile gives a command that streams to the database itself.
func (a *app) streamFile(ctx context.Context, cfg config.Config, in call, p pipe) (report, error) {
	svc, err := a.build(ctx, cfg, slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		return report{}, inUse(err, cfg)
	}
	out, err := svc.Stream(ctx, in, p.in, p.out)
	return out, errors.Join(err, svc.Close())
}
