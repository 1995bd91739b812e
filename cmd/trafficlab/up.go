package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func upVerb() *cobra.Command {
	var long time.Duration
	var logs string
	var watch bool
	c := &cobra.Command{
		Use:   "up TOPOLOGY",
		Short: "Start a system, print its URLs, and leave it running until Ctrl-C",
		Long: `up starts every component of a topology, each a process of its own, prints where
it listens with a curl line to try it, and stops all at Ctrl-C, which is the
normal end of it (status 0).

With --watch it sets the system anew whenever the file changes, without losing a
request: routes, limits, caches, ways to pick, upstreams, all but what takes a
new start (nodes and replicas that were not there, kinds, tls, the entry), which
it says. A file with mistakes changes nothing.

One live system runs on a machine at a time, so that none spoils the figures of
another: while one is up, there is no live run, and the other way round.`,
		Example: `  trafficlab up gateway-lb
  trafficlab up mine-topology.yaml --logs logs
  trafficlab up mine-topology.yaml --watch
  trafficlab up cdn --for 30s`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFiles(topologies.Shipped),
		RunE: verb(func(c *cobra.Command, args []string) error {
			if long < 0 {
				return ending{unusable, fmt.Errorf("up --for %s: no time at all (0: until Ctrl-C)", long)}
			}
			if watch && !topologies.IsFile(args[0]) {
				return ending{unusable, fmt.Errorf("up %s --watch: it is shipped inside the program and never changes; watch a file", args[0])}
			}
			f := newFollower(args[0])
			t, err := topologies.Load(args[0], "")
			if err != nil {
				return ending{unusable, err}
			}
			if why := t.TooMuchLive(); why != "" {
				return ending{unusable, fmt.Errorf("up %s: %s", args[0], why)}
			}
			if !linux {
				return ending{unusable, fmt.Errorf("up %s: live systems need Linux", args[0])}
			}
			if !watch {
				f = nil
			}
			return up(c, t, logs, long, f)
		}),
	}
	c.Flags().DurationVar(&long, "for", 0, "stop after this long (0: at Ctrl-C)")
	c.Flags().BoolVar(&watch, "watch", false, "set the system anew when the file changes")
	c.Flags().StringVar(&logs, "logs", "", "keep the nodes' logs in this folder")
	return c
}

// up runs a system in calm weather until it is told to stop, time is up or a
// node dies. Meanwhile it follows a file, unless f is nil.
func up(c *cobra.Command, t *topologies.Topology, logs string, long time.Duration, f *follower) error {
	release, err := live.Lock()
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := interruptible(c, "stopping")
	defer stop()
	temporary := logs == ""
	if temporary {
		if logs, err = os.MkdirTemp("", "trafficlab-up-"); err != nil {
			return fmt.Errorf("keep logs: %w", err)
		}
		defer os.RemoveAll(logs)
	}
	system, err := live.Start(ctx, &scenarios.Case{Scenario: "up", Variant: scenarios.Variant{Topology: t}},
		live.SystemOptions{Dir: logs, Binary: binary(), Temporary: temporary})
	if ctx.Err() != nil {
		return ending{status: interrupted}
	}
	if err != nil {
		return err
	}
	defer system.Stop()
	system.Begin()
	out := newTerminal(c.OutOrStdout())
	doors(out, t, system)
	if f != nil {
		go f.follow(ctx, system, out)
	}

	var over <-chan time.Time
	if long > 0 {
		over = time.After(long)
	}
	select {
	case err := <-system.Died():
		return err
	case <-ctx.Done():
	case <-over:
	}
	return system.Stop()
}

// doors prints where everything listens, and how to try it.
func doors(out *terminal, t *topologies.Topology, system *live.System) {
	out.line("%s: %s", t.Name, t.About)
	lines := table{}
	for _, d := range system.URLs() {
		name := string(d.Place)
		if name == t.Entry {
			name += " (entry)"
		}
		for _, line := range curls(t, d, system.Authority()) {
			lines.add(name, line)
			name = ""
		}
		if d.Admin != "" {
			lines.add("", out.paint(dim, "curl "+d.Admin+"/metrics"))
		}
	}
	lines.write(out.w)
	out.line("Running. Ctrl-C stops it.")
}

// curls are lines that get an answer from a place: by GET, and by POST where a
// route on the way wants it.
func curls(t *topologies.Topology, d live.Door, authority string) []string {
	n := t.Node(d.Place.Node())
	path, key := passport(t, n, http.MethodGet)
	lines := []string{curl(d, "curl -i", cmp.Or(path, "/"), key, authority)}
	if path, key := passport(t, n, http.MethodPost); path != "" {
		lines = append(lines, curl(d, "curl -i -X POST", path, key, authority))
	}
	return lines
}

func curl(d live.Door, command, path, key, authority string) string {
	words := []string{command}
	if authority != "" && strings.HasPrefix(d.URL, "https:") {
		words = append(words, "--cacert "+quoted(authority))
	}
	if key != "" {
		words = append(words, "-H "+quoted("X-Api-Key: "+key))
	}
	return strings.Join(append(words, quoted(d.URL+path)), " ")
}

// passport is a path and a key with which a request gets through from a node
// to the end of its chain: the first consumer on the way, and the first route
// or else what the backend lets caches keep. Only routes that name POST want
// it; if there is none, the path is empty.
func passport(t *topologies.Topology, n *topologies.Node, method string) (path, key string) {
	for n != nil {
		if consumers := slices.Sorted(maps.Keys(n.Keys)); key == "" && len(consumers) > 0 {
			key = n.Keys[consumers[0]]
		}
		to := first(n.To)
		i := slices.IndexFunc(n.Routes, func(r topologies.Route) bool {
			return len(r.Methods) == 0 && method == http.MethodGet || slices.Contains(r.Methods, method)
		})
		if i >= 0 {
			if path == "" {
				path = instance(n.Routes[i].Path)
			}
			to = cmp.Or(first(n.Routes[i].To), to)
		}
		if path == "" && method == http.MethodGet && len(n.CacheControl) > 0 {
			path = instance(n.CacheControl[0].Path)
		}
		n = t.Node(to)
	}
	return path, key
}

// instance is a path that fits a pattern.
func instance(pattern string) string {
	texts, _ := topologies.Places(strings.Replace(pattern, "*", "1", 1))
	return strings.Join(texts, "1")
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
