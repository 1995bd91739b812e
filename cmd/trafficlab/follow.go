package main

import (
	"context"
	"os"
	"time"

	"trafficlab/live"
	"trafficlab/topologies"
)

// glance is how often a file is looked at. One that has changed is read when
// it looks the same twice: who writes it may not be done.
const glance = 250 * time.Millisecond

// follower sets a system anew whenever its file has changed.
type follower struct {
	file string
	read sight // when it was read last
}

func newFollower(file string) *follower { return &follower{file, look(file)} }

// follow goes on until the context ends.
func (f *follower) follow(ctx context.Context, system *live.System, out *terminal) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for before := f.read; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := look(f.file)
		if now == before && now != f.read {
			f.read = now
			out.line("%s", reload(f.file, system))
		}
		before = now
	}
}

// reload says what has come of it.
func reload(file string, system *live.System) string {
	file, text, err := topologies.Find(file, "")
	if err == nil {
		err = system.Reload(file, text)
	}
	if err != nil {
		return err.Error() + "\nAll stays as it was."
	}
	return "The system is set anew by " + file + "."
}

// sight is how a file looks from outside.
type sight struct {
	size int64
	at   time.Time
}

func look(file string) sight {
	at, err := os.Stat(file)
	if err != nil {
		return sight{size: -1}
	}
	return sight{at.Size(), at.ModTime()}
}
