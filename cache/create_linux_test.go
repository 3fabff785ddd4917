package cache

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMadeByRoot: what root makes in somebody's folder is theirs, and is for
// nobody else; what is there stays whose it is.
func TestMadeByRoot(t *testing.T) {
	const owner = 65534
	dir := t.TempDir()
	want := uint32(os.Geteuid())
	if want == 0 { // only root can give anything away
		if err := os.Chown(dir, owner, owner); err != nil {
			t.Fatal(err)
		}
		want = owner
	}
	path := filepath.Join(dir, "isthmus.db")
	openAt(t, path)
	for _, name := range []string{path, path + ".lock", path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != want || info.Mode() != 0o600 {
			t.Errorf("%s: of user %d, mode %v", name, st.Uid, info.Mode())
		}
	}
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := create(mine)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		t.Errorf("a file that was there is of user %d now", st.Uid)
	}
}
