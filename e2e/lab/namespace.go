package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// envDir tells the inner program where the folder of the run is, and that it is
// the inner one.
const envDir = "ISTHMUS_LAB_DIR"

// envOuter tells the inner program the process id that it has outside, and
// envNetwork whether its network is its own too.
const (
	envOuter   = "ISTHMUS_LAB_OUTER"
	envNetwork = "ISTHMUS_LAB_NETWORK"
)

// envKeep set to anything keeps the folder of the run.
const envKeep = "ISTHMUS_LAB_KEEP"

// World is what Enter makes.
type World struct {
	Hosts string // the text of /etc/hosts
	// Private gives the program a network of its own too, with nothing but
	// loopback: no port is taken, nothing is reached or seen from outside.
	Private bool
	// Prepare runs before, outside, where the network is: it is given the folder
	// of the run.
	Prepare func(dir string) error
}

// Enter runs the program once more inside mount and process namespaces of its
// own, where /etc/hosts is another, and ends with its exit status. In that inner
// program it returns the folder of the run. A private hosts file is what lets
// peers meet on port 443 of real names; the process namespace ends every server
// when the program ends, however it ends.
func Enter(w World) (dir string, err error) {
	if dir = os.Getenv(envDir); dir != "" {
		return dir, settle(dir)
	}
	dir, err = os.MkdirTemp("", "isthmus-lab-")
	if err != nil {
		return "", fmt.Errorf("make the folder of the run: %w", err)
	}
	// The servers may run under users of their own.
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(w.Hosts), 0o644); err != nil {
		return "", err
	}
	if w.Prepare != nil {
		if err := w.Prepare(dir); err != nil {
			_ = os.RemoveAll(dir)
			return "", err
		}
	}
	code, err := runInside(dir, w.Private)
	if os.Getenv(envKeep) == "" && code == 0 {
		_ = os.RemoveAll(dir)
	} else if err == nil {
		fmt.Fprintf(os.Stderr, "the folder of the run is kept: %s\n", dir)
	}
	if err != nil {
		return "", err
	}
	os.Exit(code)
	return "", nil
}

// runInside starts this program again and waits for it. Pdeathsig is bound to
// the thread that starts the child, hence the lock.
func runInside(dir string, private bool) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	flags := uintptr(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID)
	attr := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if private {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	if os.Getuid() != 0 {
		// An ordinary user may bind port 443 only in a network of their own.
		attr.Cloneflags |= syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), envDir+"="+dir, envOuter+"="+strconv.Itoa(os.Getpid()))
	if attr.Cloneflags&syscall.CLONE_NEWNET != 0 {
		cmd.Env = append(cmd.Env, envNetwork+"=own")
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attr
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("no namespace for servers under names of their own (%w): "+
			"run as root with CAP_SYS_ADMIN, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)", err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		if code := exit.ExitCode(); code > 0 {
			return code, nil
		}
		return 1, nil
	}
	return 1, fmt.Errorf("run inside the namespaces: %w", err)
}

// OwnNetwork tells whether the program's network is its own, as it is when an
// ordinary user started it.
func OwnNetwork() bool { return os.Getenv(envNetwork) != "" }

// OuterPid is the process id, outside, of the program that called Enter.
func OuterPid() int {
	pid, _ := strconv.Atoi(os.Getenv(envOuter))
	return pid
}

// settle makes the namespaces of the inner program what they are for.
func settle(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount(filepath.Join(dir, "hosts"), "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the hosts file: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return loopbackUp()
}

// loopbackUp switches lo on, which a new network namespace has switched off.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("open a socket for loopback: %w", err)
	}
	defer syscall.Close(fd)
	// struct ifreq of netdevice(7): 16 bytes of name, then the flags.
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCGIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("read the state of loopback: %w", errno)
	}
	if request.flags&syscall.IFF_UP != 0 {
		return nil
	}
	request.flags |= syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("switch loopback on: %w", errno)
	}
	return nil
}
