package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// careChild does one kind of maintenance over and over, while posts come, until
// it is killed. What it accepted it says.
func careChild(what, path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	work := map[string]func(n int) error{
		"vacuum": func(int) error {
			_, err := s.Vacuum(ctx)
			return err
		},
		"forget": func(int) error {
			_, err := s.Forget(ctx, Forgetting{}, false, nil)
			return err
		},
		"reindex": func(int) error {
			_, err := s.Reindex(ctx, nil)
			return err
		},
		"repair": func(int) error {
			err := s.Update(ctx, func(tx *Tx) error { return tx.run("DELETE FROM tags") })
			_, err2 := s.Verify(ctx, Verification{Repair: true, Found: func(Finding) {}})
			return errors.Join(err, err2)
		},
		"import": func(int) error {
			f, err := os.Open(path + ".export")
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = s.Import(ctx, f, Importing{Now: day})
			_, err2 := s.Forget(ctx, Forgetting{Selection: Selection{Host: "c.example"}}, false, nil)
			return errors.Join(err, err2)
		},
		"backup": func(n int) error {
			_, err := Backup(ctx, s.path, fmt.Sprintf("%s.copy-%d-%d", path, os.Getpid(), n))
			return err
		},
	}[what]
	fmt.Println("open")
	go func() {
		for i := 0; ; i++ {
			id := fmt.Sprintf("%s-%d-%d", what, os.Getpid(), i)
			err := s.Update(ctx, func(tx *Tx) error {
				_, _, err := tx.PutPost(note("https://b.example/"+id, "https://b.example/u", id), nil, PutOptions{Received: day, Addressees: []string{bob}})
				return err
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(4)
			}
			fmt.Println("accepted", id)
			time.Sleep(time.Millisecond)
		}
	}()
	for n := 0; ; n++ {
		if err := work(n); err != nil {
			return err
		}
	}
}

// TestKillCare kills each kind of maintenance at random moments, again and
// again on one file. The store opens, everything that was accepted is there,
// nothing in it is wrong, and a backup that has its name is whole.
func TestKillCare(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for _, what := range []string{"vacuum", "forget", "reindex", "repair", "import", "backup"} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			stock(t, path)
			var accepted []string
			for range 4 {
				accepted = append(accepted, caredRun(t, what, path, time.Duration(30+r.IntN(400))*time.Millisecond)...)
			}
			if len(accepted) == 0 {
				t.Fatal("nothing was accepted")
			}
			s := openAt(t, path)
			if err := s.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
			if what == "repair" {
				s.verified(t, true)
			}
			if found := s.verified(t, false); len(found) > 0 {
				t.Errorf("%d things are wrong, such as %+v", len(found), found[0])
			}
			s.view(t, func(tx *Tx) error {
				for _, id := range accepted {
					if _, err := tx.PostByURI("https://b.example/"+id, Viewer{}); err != nil {
						t.Errorf("accepted post %s: %v", id, err)
					}
				}
				return nil
			})
			copies, err := filepath.Glob(path + ".copy-*")
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range copies {
				if strings.Contains(c, ".part") {
					continue
				}
				copied := openAt(t, c) // and checked at the end
				copied.view(t, func(tx *Tx) error {
					n, err := tx.count("SELECT count(*) FROM posts")
					if n < 300 {
						t.Errorf("%s has %d posts", c, n)
					}
					return err
				})
			}
		})
	}
}

// stock makes a store with posts of others, and an export with more beside it.
func stock(t *testing.T, path string) {
	t.Helper()
	s := openAt(t, path)
	s.furnish(t)
	for i := range 300 {
		s.receive(t, 100+i, `,"to":["https://www.w3.org/ns/activitystreams#Public"],"tag":[{"type":"Hashtag","name":"#t`+fmt.Sprint(i%7)+`"}]`)
	}
	from := open(t)
	for i := range 300 {
		from.put(t, everybody(note(fmt.Sprintf("https://c.example/%d", i), "https://c.example/u", fmt.Sprint("sea ", i))))
	}
	if err := os.WriteFile(path+".export", []byte(from.dump(t, Selection{})), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// caredRun starts the child, kills it after a while, and returns what it
// accepted.
func caredRun(t *testing.T, what, path string, after time.Duration) (accepted []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CACHE_CARE_CHILD="+what+" "+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("child said %q, %s", lines.Text(), &stderr)
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "accepted "); ok {
			accepted = append(accepted, id)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("child ended by itself: %v, %s", err, &stderr)
	}
	// The last line may be cut off in the pipe: then it was not reported.
	return accepted[:max(len(accepted)-1, 0)]
}

// TestCareOnFullDisk: maintenance that the disk has no room for fails as
// temporary, says so, and leaves everything as it was.
func TestCareOnFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	stock(t, path)
	s := openAt(t, path)
	before := s.posts(t)
	pages := 0
	s.view(t, func(tx *Tx) (err error) { pages, err = tx.count("PRAGMA page_count"); return err })
	if err := s.alone(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+2)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path + ".export")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := s.Import(t.Context(), f, Importing{Now: day})
	if !errors.Is(err, ErrTemporary) {
		t.Errorf("import: %+v, %v", got, err)
	}
	if err := s.room(1 << 62); !errors.Is(err, ErrNoRoom) {
		t.Errorf("room: %v", err)
	}
	if err := s.alone(t.Context(), "PRAGMA max_page_count = 1073741823"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(len(before)+got.New, len(s.posts(t))); diff != "" {
		t.Error(diff)
	}
	if _, err := Backup(t.Context(), s.path, "/dev/full/x"); err == nil {
		t.Error("a backup was written where none can be")
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Import(t.Context(), f, Importing{Now: day}); err != nil || again.New+again.Held != 300 || again.Held != got.New {
		t.Errorf("with room again: %+v, %v", again, err)
	}
	if found := s.verified(t, false); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

// TestBackupKeepsNames: a backup overwrites nothing, whatever a killed one left.
func TestBackupKeepsNames(t *testing.T) {
	s := open(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "copy.db")
	for _, left := range []string{".part", ".part-journal"} {
		if err := os.WriteFile(name+left, []byte("of one that was killed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Backup(t.Context(), s.path, name); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), s.path, name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
