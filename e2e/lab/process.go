package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTime is how long a server may take to end when asked.
const stopTime = 15 * time.Second

// Process is a server that the lab started. Its output goes to a log file.
type Process struct {
	Name string
	Log  string
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
	err  error
}

// startProcess runs a command in a process group of its own, its output
// appended to NAME.log in dir and copied to the writers given.
func startProcess(dir, name string, cmd *exec.Cmd, copies ...io.Writer) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(dir, name+".log"), cmd: cmd, done: make(chan struct{})}
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if len(copies) > 0 {
		cmd.Stdout = io.MultiWriter(append(copies, out)...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		out.Close()
		close(p.done)
	}()
	return p, nil
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Ended tells whether the process is over.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop asks the process to end, and makes it when it does not.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	var late error
	p.once.Do(func() {
		if p.Ended() {
			return
		}
		_ = syscall.Kill(-p.Pid(), syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(stopTime):
			late = fmt.Errorf("%s did not end within %s of SIGTERM", p.Name, stopTime)
			p.killGroup()
		}
	})
	return late
}

// Kill ends the process as a power cut would: kill -9, to its group.
func (p *Process) Kill() {
	p.once.Do(p.killGroup)
}

func (p *Process) killGroup() {
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.done
}

// Output is what the process has printed so far.
func (p *Process) Output() string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// tail is the end of a log file, for reports of failure.
func tail(file string, lines int) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimRight(b, "\n")), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}

// await polls until ready says so. It gives up when the time is over or the
// process has ended, with the end of its log.
func (p *Process) await(limit time.Duration, ready func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if p.Ended() {
			return fmt.Errorf("%s ended (%v) before it was ready:\n%s", p.Name, p.err, tail(p.Log, 20))
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s was not ready after %s: %w\n%s", p.Name, limit, err, tail(p.Log, 20))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// program finds an installed program, also in the folders of servers that are
// not in an ordinary user's path.
func program(name, pkg string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/lib/erlang/bin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (Debian: apt-get install %s): %w", name, pkg, errors.ErrUnsupported)
}
