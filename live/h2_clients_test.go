package live

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Clients that are not Go's: curl and nghttp2's h2load.
func TestOtherClientsOverTLS(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(pass), sawIt)
	run := func(name string, args ...string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		text, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
		require.NoError(t, err, string(text))
		return string(text)
	}
	for option, want := range map[string]string{"--http2": "2 200", "--http1.1": "1.1 200", "--tls-max": "2 200"} {
		args := []string{"-sS", "--cacert", l.file, "-w", " %{http_version} %{http_code}", "-o", "-", option}
		if option == "--tls-max" {
			args = append(args, "1.2")
		}
		text := run("curl", append(args, "--resolve", "localhost:"+l.port()+":127.0.0.1", "https://localhost:"+l.port()+"/a?b")...)
		assert.Equal(t, "seen "+want, text, option)
	}
	text := run("h2load", "-n", "2000", "-c", "4", "-m", "10", "https://"+l.address+"/")
	assert.Contains(t, text, "Application protocol: h2")
	assert.Contains(t, text, "2000 succeeded, 0 failed")
}
