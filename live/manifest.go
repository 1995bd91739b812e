package live

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// manifest is all that a node's process needs to know: the case, and where
// everybody is.
type manifest struct {
	Case   scenarios.Case
	Run    string // a name that no other run has
	Dir    string // for logs
	Seats  map[topologies.Place]seat
	Papers map[string]papers                 // of the nodes that terminate TLS
	Badges map[string]topologies.Certificate // what nodes show whom they ask; load's is the generator's
	Trust  []string                          // PEM files of certificates to trust
}

// seat is where a place listens: for its callers, and for those who watch it.
type seat struct{ Address, Admin string }

// papers are a node's certificates, the name to ask for, and a PEM file of those
// who sign what its callers show; "" if they show nothing.
type papers struct {
	Pairs   []topologies.Certificate
	Name    string
	Clients string
}

// longestManifest bounds what is read, in bytes. That of 64 nodes with all
// their replicas comes to a tenth.
const longestManifest = 16 << 20

func readManifest(path string) (*manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", path, err)
	}
	if len(text) > longestManifest {
		return nil, fmt.Errorf("read the manifest %s: it is longer than %d bytes", path, longestManifest)
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", path, err)
	}
	return m, nil
}

// entry is where the load goes, and how to ask there if it speaks TLS.
func (m *manifest) entry(load *visitor) (string, *tls.Config) {
	t := m.Case.Variant.Topology
	n := t.Node(t.Entry)
	if n.Kind == topologies.External {
		return n.URL, nil
	}
	address := m.Seats[n.Places()[0]].Address
	return schemeOf(n) + "://" + address, load.config(address)
}

// Target is a running system, as a Companion sees it that asks it.
type Target struct {
	Case  *scenarios.Case
	Run   string // a name that no other run has, and that only its processes know
	URL   string // of the entry, without a path
	Trust *tls.Config
}

// ReadTarget reads the manifest of a running system.
func ReadTarget(manifest string) (*Target, error) {
	m, err := readManifest(manifest)
	if err != nil {
		return nil, err
	}
	visitor, err := m.visitor(load, nil)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of the load: %w", err)
	}
	t := &Target{Case: &m.Case, Run: m.Run}
	t.URL, t.Trust = m.entry(visitor)
	return t, nil
}

func (m *manifest) write(path string) error {
	text, err := json.Marshal(m)
	fresh := path + ".new"
	if err == nil {
		err = os.WriteFile(fresh, text, 0o600)
	}
	if err == nil {
		err = os.Rename(fresh, path) // somebody may be reading it
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// file is the path of a place's file in the run's directory: api[0] logs to
// api-0.log.
func (m *manifest) file(place topologies.Place, ending string) string {
	name := strings.NewReplacer("[", "-", "]", "").Replace(string(place))
	return filepath.Join(m.Dir, name+ending)
}

// options are those of a node's process, and what is to be read anew when its
// files change.
func (m *manifest) options(node string, log *log.Logger) (Options, []renewable, error) {
	var fresh []renewable
	o := Options{
		Run:       m.Run,
		Addresses: func(p topologies.Place) string { return m.Seats[p].Address }, // "": it was not started
		Dial:      (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		Log:       log,
	}
	t := m.Case.Variant.Topology.Node(node)
	if p, ok := m.Papers[node]; ok {
		door, err := newTLSDoor(p, t.TLS, time.Now)
		if err != nil {
			return o, nil, fmt.Errorf("read the certificates of %s: %w", node, err)
		}
		o.door, fresh = door, append(fresh, door)
	}
	visitor, err := m.visitor(node, t.Upstream)
	if err != nil {
		return o, nil, fmt.Errorf("read the certificates that %s asks with: %w", node, err)
	}
	o.UpstreamTLS, o.visitor = visitor.config, visitor
	return o, append(fresh, visitor), nil
}
