package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const house = "../.."

// Every command of the README is typed, in its order and in one folder. Those
// that take minutes are typed shorter: CI runs them as they are.
func TestReadmeCommands(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // the lock of the live world is there
	dir := t.TempDir()
	commands := commandsOf(readme(t))
	require.Greater(t, len(commands), 5)
	for _, words := range commands {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			switch words[0] {
			case "make":
				typed(t, house, "make", "--dry-run", words[1])
			case "bin/trafficlab":
				typed(t, dir, "trafficlab", shorter(words[1:])...)
			default:
				t.Errorf("the README types %s, which this test does not know", words[0])
			}
		})
	}
	assert.FileExists(t, filepath.Join(dir, "out", "slow-replica", "report.html"))
}

// The scenario that the README shows is sound.
func TestReadmeScenario(t *testing.T) {
	blocks := blocksOf(readme(t), "yaml")
	require.Len(t, blocks, 1)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "readme.yaml"), []byte(blocks[0]), 0o644))
	typed(t, dir, "trafficlab", "check", "readme.yaml")
}

func TestReadmeIsShort(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(readme(t), "\n"), 150)
}

func readme(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join(house, "README.md"))
	require.NoError(t, err)
	return string(text)
}

func blocksOf(text, language string) []string {
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, found[1])
	}
	return blocks
}

func commandsOf(text string) [][]string {
	var commands [][]string
	for _, block := range blocksOf(text, "sh") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			if words := strings.Fields(strings.ReplaceAll(line, "'", "")); len(words) > 0 {
				commands = append(commands, words)
			}
		}
	}
	return commands
}

// shorter is a command line that ends soon.
func shorter(words []string) []string {
	switch words[0] {
	case "run":
		if !slices.Contains(words, "--world") {
			words = append(words, "--world", "sim")
		}
	case "capacity":
		words = append(words, "--short", "--precision", "50%")
	case "up":
		words = append(words, "--for", "100ms")
	}
	return words
}

func typed(t *testing.T, dir, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Run(), "%s %s:\n%s", name, strings.Join(args, " "), &said)
}
