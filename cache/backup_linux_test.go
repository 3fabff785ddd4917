package cache

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBackupOnFullDisk: a backup that the other disk has no room for says which
// file and what to do, and leaves nothing behind. It runs itself again where it
// may mount a disk that is small.
func TestBackupOnFullDisk(t *testing.T) {
	const child = "CACHE_SMALL_DISK"
	disk := os.Getenv(child)
	if disk == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), child+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS,
		}
		if os.Getuid() != 0 { // root needs no namespace of users, which some machines forbid
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	// What is mounted here is nobody else's.
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make the mounts private: %v", err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=200k"); err != nil {
		t.Fatalf("mount a small disk, for which root or a namespace of users is needed: %v", err)
	}
	s := open(t)
	s.furnish(t)
	path := filepath.Join(disk, "copy.db")
	_, err := Backup(t.Context(), s.path, path)
	if !errors.Is(err, ErrNoRoom) || errors.Is(err, ErrTemporary) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another disk") {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(disk)
	if len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	if len(s.posts(t)) == 0 {
		t.Error("the store does not answer")
	}
}
