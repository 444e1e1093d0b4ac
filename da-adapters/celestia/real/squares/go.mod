module rollwright/celestia-squares

go 1.25.8

require (
	github.com/celestiaorg/go-square/v4 v4.0.0-rc5
	github.com/celestiaorg/nmt v0.24.3
	github.com/celestiaorg/rsmt2d v0.15.2
)

require (
	github.com/celestiaorg/merkletree v0.0.0-20210714075610-a84dc3ddbbe4 // indirect
	github.com/cosmos/btcutil v1.0.5 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/klauspost/cpuid/v2 v2.3.0 // indirect
	github.com/klauspost/reedsolomon v1.13.3 // indirect
	golang.org/x/exp v0.0.0-20250911091902-df9299821621 // indirect
	golang.org/x/sync v0.21.0 // indirect
	golang.org/x/sys v0.30.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
