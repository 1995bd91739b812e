package live

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
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
	Papers map[string]papers // of the nodes that terminate TLS
	Trust  []string          // PEM files of certificates to trust
}

// seat is where a place listens: for its callers, and for those who watch it.
type seat struct{ Address, Admin string }

// papers are a node's certificate and key, PEM files, and the name to ask for.
type papers struct{ Certificate, Key, Name string }

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

func (m *manifest) write(path string) error {
	text, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
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

// serverTLS is what a node serves, or nil if it speaks plain HTTP.
func (m *manifest) serverTLS(node string) (*tls.Config, error) {
	p, ok := m.Papers[node]
	if !ok {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", node, err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		NextProtos:   []string{"http/1.1"},
		MinVersion:   tls.VersionTLS12,
	}, nil
}

// clientTLS is how to ask the nodes that terminate TLS, by address.
func (m *manifest) clientTLS() (map[string]*tls.Config, error) {
	if len(m.Papers) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	for _, file := range m.Trust {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a trusted certificate: %w", err)
		}
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read a trusted certificate: there is none in %s", file)
		}
	}
	configs := map[string]*tls.Config{}
	for place, s := range m.Seats {
		if p, ok := m.Papers[place.Node()]; ok {
			configs[s.Address] = &tls.Config{
				RootCAs: roots, ServerName: p.Name,
				MinVersion:         tls.VersionTLS12,
				ClientSessionCache: tls.NewLRUClientSessionCache(0),
			}
		}
	}
	return configs, nil
}

// options are those of a node's process.
func (m *manifest) options(node string) (Options, error) {
	serve, err := m.serverTLS(node)
	if err != nil {
		return Options{}, err
	}
	ask, err := m.clientTLS()
	if err != nil {
		return Options{}, err
	}
	return Options{
		Run:         m.Run,
		Addresses:   func(p topologies.Place) string { return m.Seats[p].Address },
		Dial:        (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLS:         serve,
		UpstreamTLS: func(address string) *tls.Config { return ask[address] },
	}, nil
}
