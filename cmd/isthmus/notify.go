package main

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"
)

// notifier tells the service manager how we are (sd_notify(3)). Without one it
// does nothing.
type notifier struct {
	socket   string
	watchdog time.Duration // how often it wants to hear from us; zero: never
}

func newNotifier(environ []string) notifier {
	env := map[string]string{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	n := notifier{socket: env["NOTIFY_SOCKET"]}
	if usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64); err == nil && usec > 0 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// send tells a state, such as READY=1.
func (n notifier) send(state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

// watch says that we live, for as long as alive finds so.
func (n notifier) watch(ctx context.Context, alive func(context.Context) error) {
	if n.socket == "" || n.watchdog == 0 {
		return
	}
	tick := time.NewTicker(n.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive(ctx) == nil {
				_ = n.send("WATCHDOG=1") // the manager will miss it
			}
		}
	}
}
