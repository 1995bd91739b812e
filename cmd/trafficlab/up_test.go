package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What up prints gets an answer: keys, certificates, data and admin ports.
func TestEveryCurlLineIsAnswered(t *testing.T) {
	if !linux {
		t.Skip("the live world needs Linux")
	}
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command("trafficlab", "up", "cdn-gateway-lb")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	overdue := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer overdue.Stop()

	asked := 0
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "Running"); {
		if _, line, ok := strings.Cut(lines.Text(), "curl "); ok {
			asked++
			assert.Equal(t, http.StatusOK, ask(t, line), lines.Text())
		}
	}
	assert.Greater(t, asked, 10)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "Ctrl-C is the normal end of up")
}

// ask does what curl would do with that line.
func ask(t *testing.T, line string) int {
	words := strings.Fields(line)
	r, err := http.NewRequest(http.MethodGet, words[len(words)-1], nil)
	require.NoError(t, err)
	if header := regexp.MustCompile(`-H '(\S+): (\S+)'`).FindStringSubmatch(line); header != nil {
		r.Header.Set(header[1], header[2])
	}
	roots := x509.NewCertPool()
	if authority := regexp.MustCompile(`--cacert (\S+)`).FindStringSubmatch(line); authority != nil {
		pem, err := os.ReadFile(authority[1])
		require.NoError(t, err)
		require.True(t, roots.AppendCertsFromPEM(pem))
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	answer, err := client.Do(r)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}
