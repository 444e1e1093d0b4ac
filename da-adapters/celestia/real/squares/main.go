// Builds squares with Celestia's own libraries, and says where they differ
// from those that it is told.
//
// Standard input has one case a line, as `squares` (examples/squares.rs) writes
// it; standard output gets for each the number of the case, the width, the
// SHA-256 of the original shares and the data root. The exit code is 1 where
// one of them, or what fits, is another one than was told.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/celestiaorg/go-square/v4"
	"github.com/celestiaorg/go-square/v4/share"
	"github.com/celestiaorg/go-square/v4/tx"
	"github.com/celestiaorg/nmt"
	"github.com/celestiaorg/nmt/namespace"
	"github.com/celestiaorg/rsmt2d"
)

// Above this many subtree roots a commitment's subtrees grow.
const subtreeRootThreshold = 64

type testCase struct {
	Seed     uint64   `json:"seed"`
	MaxWidth int      `json:"max_width"`
	Txs      []string `json:"txs"`
	Fits     []bool   `json:"fits"`
	Width    int      `json:"width"`
	Shares   string   `json:"shares"`
	DataRoot string   `json:"data_root"`
}

// axis is the tree over one row or column of the extended square.
type axis struct {
	width, index, pushed int
	tree                 *nmt.NamespacedMerkleTree
}

func newAxis(width int) rsmt2d.TreeConstructorFn {
	return func(_ rsmt2d.Axis, index uint) rsmt2d.Tree {
		tree := nmt.New(
			sha256.New(),
			nmt.NamespaceIDSize(share.NamespaceSize),
			nmt.IgnoreMaxNamespace(true),
		)
		return &axis{width: width, index: int(index), tree: tree}
	}
}

// Push adds a share under its own namespace in the original quadrant, and
// under that of parity elsewhere.
func (a *axis) Push(data []byte) error {
	id := data[:share.NamespaceSize]
	if a.index >= a.width || a.pushed >= a.width {
		id = share.ParitySharesNamespace.Bytes()
	}
	a.pushed++
	return a.tree.Push(namespace.PrefixedData(slices.Concat(id, data)))
}

func (a *axis) Root() ([]byte, error) { return a.tree.Root() }

// merkle is the root after RFC 6962.
func merkle(leaves [][]byte) [32]byte {
	if len(leaves) == 1 {
		return sha256.Sum256(slices.Concat([]byte{0}, leaves[0]))
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := merkle(leaves[:split]), merkle(leaves[split:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// dataRoot extends the square and hashes the roots of its rows and columns.
func dataRoot(shares []share.Share, width int) ([32]byte, error) {
	eds, err := rsmt2d.ComputeExtendedDataSquare(
		share.ToBytes(shares), rsmt2d.NewLeoRSCodec(), newAxis(width))
	if err != nil {
		return [32]byte{}, err
	}
	rows, err := eds.RowRoots()
	if err != nil {
		return [32]byte{}, err
	}
	columns, err := eds.ColRoots()
	if err != nil {
		return [32]byte{}, err
	}
	return merkle(append(rows, columns...)), nil
}

func build(c testCase) (found testCase, err error) {
	found = testCase{Seed: c.Seed}
	builder, err := square.NewBuilder(c.MaxWidth, subtreeRootThreshold)
	if err != nil {
		return found, err
	}
	for _, text := range c.Txs {
		raw, err := hex.DecodeString(text)
		if err != nil {
			return found, err
		}
		blobTx, isBlobTx, err := tx.UnmarshalBlobTx(raw)
		if err != nil && isBlobTx {
			return found, err
		}
		fits := false
		if isBlobTx {
			if fits, err = builder.AppendBlobTx(blobTx); err != nil {
				return found, err
			}
		} else {
			fits = builder.AppendTx(raw)
		}
		found.Fits = append(found.Fits, fits)
	}
	built, err := builder.Export()
	if err != nil {
		return found, err
	}
	if found.Width, err = built.Size(); err != nil {
		return found, err
	}
	hash := sha256.Sum256(built.ToBytes())
	found.Shares = hex.EncodeToString(hash[:])
	root, err := dataRoot(built, found.Width)
	found.DataRoot = hex.EncodeToString(root[:])
	return found, err
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<28)
	cases, differences := 0, 0
	for lines.Scan() {
		var told testCase
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			fmt.Fprintln(os.Stderr, "not a case:", err)
			os.Exit(2)
		}
		found, err := build(told)
		if err != nil {
			fmt.Fprintf(os.Stderr, "case %d: %v\n", told.Seed, err)
			os.Exit(2)
		}
		cases++
		fmt.Println(found.Seed, found.Width, found.Shares, found.DataRoot)
		if found.Width != told.Width || found.Shares != told.Shares ||
			found.DataRoot != told.DataRoot || !slices.Equal(found.Fits, told.Fits) {
			differences++
			fmt.Fprintf(os.Stderr, "case %d differs: told %d %s %s %v, built %v\n",
				told.Seed, told.Width, told.Shares, told.DataRoot, told.Fits, found.Fits)
		}
	}
	if lines.Err() != nil || cases == 0 {
		fmt.Fprintln(os.Stderr, "no cases were read:", lines.Err())
		os.Exit(2)
	}
	fmt.Fprintf(os.Stderr, "%d cases, %d differences\n", cases, differences)
	if differences > 0 {
		os.Exit(1)
	}
}
