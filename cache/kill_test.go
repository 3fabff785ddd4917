package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain runs the child of TestKill instead of the tests when it is asked to.
func TestMain(m *testing.M) {
	if path := os.Getenv("CACHE_KILL_CHILD"); path != "" {
		killChild(path)
	}
	if what, path, ok := strings.Cut(os.Getenv("CACHE_CARE_CHILD"), " "); ok {
		fmt.Fprintln(os.Stderr, careChild(what, path))
		os.Exit(5)
	}
	os.Exit(m.Run())
}

// killChild accepts work from many goroutines until it is killed: each update
// stores a post, an activity and two jobs in a lane, and is then reported.
// Other goroutines lease and end jobs.
func killChild(path string) {
	ctx := context.Background()
	s, err := Open(ctx, path, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Println("open")
	run := os.Getpid()
	for g := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", run, g, i)
				if err := s.Update(ctx, func(tx *Tx) error { return acceptWork(tx, id) }); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(4)
				}
				fmt.Println("accepted", id)
			}
		}()
	}
	for {
		err := s.Update(ctx, func(tx *Tx) error {
			jobs, err := tx.Lease(LeaseQuery{Now: day, Limit: 20, For: time.Hour})
			if err != nil {
				return err
			}
			for i, j := range jobs[:len(jobs)/2] { // the rest stays leased
				if err := endWork(tx, i, j); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(5)
		}
	}
}

func acceptWork(tx *Tx, id string) error {
	uri := "https://a.example/" + id
	seen, err := tx.SeenActivity(id, [32]byte{}, day)
	if err != nil || seen {
		return errors.Join(err, errors.New("seen"))
	}
	if _, _, err := tx.PutPost(note(uri, "https://a.example/u", id), []byte(id), PutOptions{Received: day}); err != nil {
		return err
	}
	job := Job{Kind: "deliver", Host: "h" + id[len(id)-1:], Lane: id, CreatedAt: day, Payload: []byte(uri)}
	return tx.Enqueue(job, job)
}

// endWork ends a job; one that is done leaves a reaction as its effect.
func endWork(tx *Tx, i int, j Job) error {
	if i%3 == 0 {
		return tx.Retry(j.ID, day, "later", true)
	}
	_, err := tx.PutReaction(Reaction{Actor: strconv.FormatInt(j.ID, 10), Object: string(j.Payload), Kind: Like, CreatedAt: day})
	return errors.Join(err, tx.Ack(j.ID))
}

// TestKill kills a working process at random moments, several times on one
// file. What was reported as accepted is whole: its post, and for each of its
// two jobs either the job or its effect.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var accepted []string
	for range 6 {
		accepted = append(accepted, killedRun(t, path, time.Duration(20+r.IntN(300))*time.Millisecond)...)
	}
	if len(accepted) == 0 {
		t.Fatal("nothing was accepted")
	}
	t.Logf("%d updates were accepted", len(accepted))
	s := openAt(t, path)
	s.view(t, func(tx *Tx) error {
		for _, id := range accepted {
			uri := "https://a.example/" + id
			if _, err := tx.PostByURI(uri, Viewer{}); err != nil {
				t.Errorf("accepted post %s: %v", id, err)
			}
			if n, err := workOf(tx, id, uri); n != 2 || err != nil {
				t.Errorf("accepted %s has %d of 2 jobs and effects, %v", id, n, err)
			}
		}
		// What was not reported is whole or absent.
		uris, err := all(tx, value[string], "SELECT uri FROM posts")
		for _, uri := range uris {
			id := strings.TrimPrefix(uri, "https://a.example/")
			if n, err := workOf(tx, id, uri); n != 2 || err != nil {
				t.Errorf("stored %s has %d of 2 jobs and effects, %v", id, n, err)
			}
		}
		leased, err2 := tx.count("SELECT count(*) FROM jobs WHERE state = 1")
		if leased != 0 {
			t.Errorf("%d jobs are still leased to a dead process", leased)
		}
		return errors.Join(err, err2)
	})
}

func workOf(tx *Tx, lane, uri string) (int, error) {
	jobs, err := tx.Jobs(JobQuery{Lane: lane})
	if err != nil {
		return 0, err
	}
	done, err := tx.Reactions(uri, 0, 10)
	return len(jobs) + len(done), err
}

// killedRun starts the child, kills it after a while, and returns what it
// reported.
func killedRun(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CACHE_KILL_CHILD="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if first, err := lines.ReadString('\n'); first != "open\n" {
		t.Fatalf("child said %q, %v, %s", first, err, &stderr)
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	var accepted []string
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // an unfinished line was not reported
			break
		}
		accepted = append(accepted, strings.TrimSpace(strings.TrimPrefix(line, "accepted ")))
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("child ended by itself: %v, %s", err, &stderr)
	}
	return accepted
}
