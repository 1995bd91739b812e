package live

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// renewable is something that was read from files, and can be anew.
type renewable interface {
	files() []string
	renew() error // or all stays as it was
}

// glance is how often it is looked whether files have changed.
const glance = time.Second

// renew keeps what was read from files up to date, until the node ends: at once
// on SIGHUP, and otherwise soon after a file has changed.
func (n *Node) renew(all []renewable) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		defer signal.Stop(hangups)
		renewUntil(n.ctx, hangups, glance, all, n.log.Printf)
	}()
}

func renewUntil(ctx context.Context, now <-chan os.Signal, every time.Duration, all []renewable, say func(string, ...any)) {
	looks := make([]string, len(all))
	for i, r := range all {
		looks[i] = look(r.files())
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		told := false
		select {
		case <-ctx.Done():
			return
		case <-now:
			told = true
		case <-tick.C:
		}
		for i, r := range all {
			found := look(r.files())
			if !told && found == looks[i] {
				continue
			}
			looks[i] = found
			if err := r.renew(); err != nil { // half a change, perhaps: the other half looks different again
				say("read changed files: %v; all stays as it was", err)
			} else if len(r.files()) > 0 {
				say("read %s anew", strings.Join(r.files(), ", "))
			}
		}
	}
}

// look tells at a glance whether files are what they were.
func look(files []string) string {
	var text strings.Builder
	for _, file := range files {
		if at, err := os.Stat(file); err == nil {
			fmt.Fprintln(&text, at.Size(), at.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&text, "gone")
		}
	}
	return text.String()
}
