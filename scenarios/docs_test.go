package scenarios

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestTheLoadsDocsAreSound: every load that the docs show is one.
func TestTheLoadsDocsAreSound(t *testing.T) {
	docs, err := os.ReadFile("../docs/load.md")
	require.NoError(t, err)
	blocks := yamlBlock.FindAllStringSubmatch(string(docs), -1)
	require.Greater(t, len(blocks), 2)
	for _, block := range blocks {
		_, err := parse("docs", "testdata", []byte("name: docs\nquestion: what?\ntopology: lb\n"+block[1]), Options{})
		require.NoError(t, err, block[1])
	}
	for _, name := range ShapeNames() {
		require.Contains(t, string(docs), "- {"+name+": ")
	}
}
