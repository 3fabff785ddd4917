package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// use is what a process has taken.
type use struct {
	cpu            time.Duration
	resident, peak int64 // bytes
}

// usage reads the use of a process (proc(5)). Clock ticks are hundredths of a
// second on every Linux that Go runs on.
func usage(pid int) (use, error) {
	var u use
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return u, errors.New("/proc/PID/stat is short")
	}
	for _, f := range fields[11:13] { // utime and stime
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.resident = kib << 10
		case "VmHWM":
			u.peak = kib << 10
		}
	}
	return u, nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// rate is a measurement.
type rate struct {
	n    int
	took time.Duration
	cpu  time.Duration // of the gateway
}

func (r rate) perSecond() float64 { return float64(r.n) / r.took.Seconds() }

func (r rate) String() string { return fmt.Sprintf("%.0f/s", r.perSecond()) }

// each is the gateway's CPU for one operation.
func (r rate) each() string {
	if r.cpu == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ms", r.cpu.Seconds()*1000/float64(r.n))
}

// against makes a row of a rate and its limit.
func (r rate) against(what string, limit float64, ofWhat string) row {
	return row{what: what, measured: r.String(), limit: fmt.Sprintf("%.0f/s %s", limit, ofWhat),
		ratio: fmt.Sprintf("%.2f", r.perSecond()/limit), cpu: r.each()}
}

// timed measures n operations and the gateway's CPU over them. It ends when
// work does.
func (b *bench) timed(n int, work func() error) (rate, error) {
	before, err := usage(b.gateway.Pid())
	if err != nil {
		return rate{}, err
	}
	start := time.Now()
	if err := work(); err != nil {
		return rate{}, err
	}
	took := time.Since(start)
	after, err := usage(b.gateway.Pid())
	return rate{n: n, took: took, cpu: after.cpu - before.cpu}, err
}

// together does n things, c at a time, and returns the first error.
func together(n, c int, do func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	for range c {
		wait.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
