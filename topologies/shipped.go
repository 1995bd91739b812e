package topologies

import (
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"trafficlab/topologies/strict"
)

//go:embed *.yaml
var files embed.FS

// shipped is the registry of the topologies inside the program, from the
// simplest to the fullest.
var shipped = []string{"direct", "proxy", "lb", "gateway-lb", "storefront", "cdn", "cdn-gateway-lb", "all-in-one", "fifty", "ten-thousand"}

// Shipped lists the names of the topologies inside the program, the simplest
// first.
func Shipped() []string { return slices.Clone(shipped) }

// Load finds, reads and checks a topology: a shipped one by its name, or a
// file, relative to the given folder ("" for the current one).
func Load(nameOrFile, folder string) (*Topology, error) {
	file, data, err := Find(nameOrFile, folder)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// Find is the text of a topology that Load would parse, and the name of its
// file. It reads no more of a file than strict.Parse takes.
func Find(nameOrFile, folder string) (file string, data []byte, err error) {
	if IsFile(nameOrFile) {
		file = nameOrFile
		if !filepath.IsAbs(file) {
			file = filepath.Join(folder, file)
		}
		data, err = strict.Load(file)
		return file, data, err
	}
	if !slices.Contains(shipped, nameOrFile) {
		return "", nil, fmt.Errorf("no topology is named %q (%s; a file is named with its folder or its .yaml)",
			nameOrFile, strict.Suggest(nameOrFile, "shipped are", Shipped()))
	}
	file = nameOrFile + ".yaml"
	data, err = files.ReadFile(file)
	return "topologies/" + file, data, err
}

// IsFile tells whether a word names a file rather than something shipped: it
// holds a slash or ends in .yaml or .yml.
func IsFile(name string) bool {
	ext := filepath.Ext(name)
	return strings.ContainsRune(name, filepath.Separator) || ext == ".yaml" || ext == ".yml"
}
