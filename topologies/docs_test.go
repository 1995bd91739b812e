package topologies

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestTheGatewaysDocsAreSound: all that the docs show stands in one gateway that
// checks, with the nodes and the file that it names.
func TestTheGatewaysDocsAreSound(t *testing.T) {
	docs, err := os.ReadFile("../docs/gateway.md")
	require.NoError(t, err)
	folder := t.TempDir()
	key, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(folder+"/issuer.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	fields := ""
	for _, block := range yamlBlock.FindAllStringSubmatch(string(docs), -1) {
		fields += "    " + strings.ReplaceAll(strings.TrimSpace(block[1]), "\n", "\n    ") + "\n"
	}
	require.Contains(t, fields, "    routes:")
	require.Contains(t, fields, "    auth:")
	_, err = Parse(folder+"/docs.yaml", []byte("name: docs\nentry: gate\nnodes:\n  gate:\n    kind: gateway\n    to: [api]\n"+fields+
		"  api: {kind: backend}\n  canary: {kind: backend}\n  issuer: {kind: backend, content: {/jwks.json: '{\"keys\": []}'}}\n"))
	require.NoError(t, err, fields)
}
