"""Makes the reference chains and tests of this folder with Ethereum's
executable specification: `pip install ethereum-execution==2.20.0`, then
`python generate.py`. Every root, bloom, gas figure, difficulty and fee in the
output is the specification's; only block hashes are put together here.
"""

import argparse
import importlib
import io
import json
import logging
import pathlib
import types

import coincurve
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import create_parser
from ethereum_spec_tools.evm_tools.t8n import T8N, ForkCache

logging.disable(logging.CRITICAL)
HERE = pathlib.Path(__file__).parent
CACHE = ForkCache()
KEYS = [bytes([n] * 32) for n in range(1, 5)]
GAS = 30_000_000
EMPTY = "0x" + keccak256(rlp.encode(())).hex()
EMPTY_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
SYSTEM = "fffffffffffffffffffffffffffffffffffffffe"
BEACON = "0x000f3df6d732807ef1319fb7b8bb8522d0beac02"
HISTORY = "0x0000f90827f1c53a10cb7a02335b175320002935"
WITHDRAW = "0x00000961ef480eb55e80d19ad83579a64c007002"
CONSOLIDATE = "0x0000bbddc7ce488642fb579f8b00f3a590007251"
DEPOSIT = "0x00000000219ab540356cbb839cbe05303d7705fa"
DAO_ACCOUNT = "0xd4fe7bc31cedb7bfb8a345f31e668033056b2728"
TALLY, GRAVE, NOWHERE = ("0x" + c * 40 for c in "cde")
# Names of the specification, in order; a fork that is not among a chain's
# networks never holds on it.
FORKS = [
    "Frontier", "Homestead", "EIP150", "EIP158", "Byzantium",
    "ConstantinopleFix", "Istanbul", "Berlin", "London", "Paris", "Shanghai",
    "Cancun", "Prague", "Osaka", "BPO1", "BPO2",
]


def at_least(fork, other):
    return FORKS.index(fork) >= FORKS.index(other)


def address(key):
    public = coincurve.PrivateKey(key).public_key.format(compressed=False)
    return "0x" + keccak256(public[1:])[12:].hex()


def push(number, size=1):
    return f"{0x5f + size:02x}{number:0{2 * size}x}"


def deposit_code():
    """Logs one deposit in the layout of EIP-6110 each time it is called."""
    fields = [(160, 48, 1), (256, 32, 2), (320, 8, 3), (384, 96, 4), (512, 8, 5)]
    data = bytearray(576)
    for index, (offset, size, fill) in enumerate(fields):
        data[32 * index : 32 * index + 32] = offset.to_bytes(32, "big")
        data[offset : offset + 32] = size.to_bytes(32, "big")
        data[offset + 32 : offset + 32 + size] = bytes([fill] * size)
    topic = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
    head = lambda size: (
        push(576, 2) + push(size, 2) + push(0) + "39"
        + "7f" + topic + push(576, 2) + push(0) + "a1" + "00"
    )
    return "0x" + head(len(head(0)) // 2) + data.hex()


def initial():
    # slot[number] = gas left; slot[0] += 1; log; pays 1 wei to nobody; hashes
    # with the precompiles 2 to 4; the last block's hash.
    tally = (
        "5a4355" + push(0) + "5460010180" + push(0) + "55" + push(0) + "52"
        + "7f" + "aa" * 32 + push(32) + push(0) + "a1"
        + push(0) * 4 + push(1) + "73" + NOWHERE[2:] + "5af150"
        + "".join(
            push(32) + push(32) + push(32) + push(0) + push(0)
            + push(precompile) + "5af150" + push(32) + "51" + push(0x10 + precompile) + "55"
            for precompile in (2, 3, 4)
        )
        + push(1) + "4303" + "40" + push(0x20) + "55"
    )
    alloc = {address(key): {"balance": "0x" + f"{10**24:x}"} for key in KEYS}
    alloc |= {
        TALLY: {"balance": "0x100", "code": "0x" + tally + "00"},
        # Calls with data end it; without, it counts in slot 1.
        GRAVE: {
            "balance": "0x7",
            "code": "0x36600b57" + "6001" + "54600101" + "600155"[0:0] + "5b00",
            "storage": {"0x01": "0x05", "0x02": "0x06"},
        },
        DAO_ACCOUNT: {"balance": "0xde0b6b3a7640000"},
        DEPOSIT: {"balance": "0x0", "nonce": "0x1", "code": deposit_code()},
        # Stands for EIP-4788 and EIP-2935: stores what the system hands over.
        BEACON: {"balance": "0x0", "nonce": "0x1", "code": "0x" + push(0) + "354255" + "00"},
        HISTORY: {"balance": "0x0", "nonce": "0x1", "code": "0x" + push(0) + "35" + push(1) + "430355" + "00"},
        # One withdrawal request of zeros a block; no consolidation.
        WITHDRAW: {"balance": "0x0", "nonce": "0x1", "code": "0x" + push(76) + push(0) + "f3"},
        CONSOLIDATE: {"balance": "0x0", "nonce": "0x1", "code": "0x00"},
    }
    alloc[GRAVE]["code"] = "0x36" + push(6) + "57" + "00" + "00" + "5b" + "73" + NOWHERE[2:] + "ff"
    for account in alloc.values():
        account.setdefault("nonce", "0x0")
        account.setdefault("code", "0x")
        account.setdefault("storage", {})
    return alloc


def authorization(key, nonce, target):
    message = rlp.encode([b"\x01", bytes.fromhex(target[2:]), nonce.to_bytes(1, "big") if nonce else b""])
    signed = coincurve.PrivateKey(key).sign_recoverable(keccak256(b"\x05" + message), hasher=None)
    return {
        "chainId": "0x1", "address": target, "nonce": hex(nonce), "v": hex(signed[64]),
        "r": "0x" + signed[:32].hex(), "s": "0x" + signed[32:64].hex(),
    }


def transactions(fork, number, nonces, emptied):
    """Some of every kind that the fork has."""
    price = hex(10**11)
    out = []

    def add(who, **fields):
        sender = address(KEYS[who])
        tx = {
            "gas": hex(400_000), "input": "0x", "value": "0x0",
            "nonce": hex(nonces.setdefault(sender, 0)), "secretKey": "0x" + KEYS[who].hex(),
        } | fields
        if not {"maxFeePerGas"} & set(tx):
            tx["gasPrice"] = price
        nonces[sender] += 1
        out.append(tx)

    fees = {"maxFeePerGas": price, "maxPriorityFeePerGas": hex(10**9)}
    add(0, to=TALLY, value="0x2")
    add(1, to=NOWHERE)
    # Creates a contract whose code is one STOP, and one that fails.
    add(2, input="0x" + push(0) + push(0) + "53" + push(1) + push(0) + "f3")
    if number % 2 == 0:
        add(2, input="0xfe")
    if number % 3 == 0:
        add(1, to=GRAVE, input="0x01")
    if fork == "EIP158":
        # Touched, what is empty goes.
        for account in emptied:
            add(1, to=account)
    if at_least(fork, "Byzantium"):
        # Reverts, by a creation that returns data.
        add(2, input="0x" + push(4) + push(0) + "fd")
    if at_least(fork, "Berlin"):
        add(0, to=TALLY, type="0x1", accessList=[{"address": TALLY, "storageKeys": ["0x" + "00" * 32]}])
    if at_least(fork, "London"):
        add(1, to=TALLY, type="0x2", value="0x1", accessList=[], **fees)
    if at_least(fork, "Cancun"):
        hashes = [f"0x01{n:062x}" for n in range(1 + number % 4)]
        add(2, to=TALLY, type="0x3", accessList=[], maxFeePerBlobGas=hex(10**12), blobVersionedHashes=hashes, **fees)
    if at_least(fork, "Prague"):
        key = KEYS[3]
        who = address(key)
        nonce = nonces.setdefault(who, 0)
        nonces[who] = nonce + 1
        add(0, to=who, type="0x4", accessList=[], authorizationList=[authorization(key, nonce, TALLY)], **fees)
        add(1, to=DEPOSIT)
    return out


HEADER = [
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot",
    "logsBloom", "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData",
    "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas",
    "parentBeaconBlockRoot", "requestsHash",
]
NUMBERS = {
    "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas",
}


def raw(field, value):
    if field in NUMBERS:
        value = int(value, 16)
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes.fromhex(value[2:])


def header_list(header):
    return [raw(field, header[field]) for field in HEADER if field in header]


def hash_of(header):
    return "0x" + keccak256(rlp.encode(header_list(header))).hex()


class Chain:
    """A chain that grows block by block. `fork_at(number, time)` names the
    specification's fork."""

    def __init__(self, fork_at, merged=lambda number: False, step=13):
        self.fork_at, self.merged, self.step = fork_at, merged, step
        self.alloc, self.nonces = initial(), {}
        first = fork_at(0, 0)
        self.genesis = {
            "parentHash": "0x" + "00" * 32, "sha3Uncles": EMPTY, "miner": "0x" + "00" * 20,
            "stateRoot": self.root(), "transactionsRoot": EMPTY_TRIE, "receiptsRoot": EMPTY_TRIE,
            "logsBloom": "0x" + "00" * 256, "difficulty": "0x0" if at_least(first, "Paris") else "0x20000",
            "number": "0x0", "gasLimit": hex(GAS), "gasUsed": "0x0", "timestamp": "0x0", "extraData": "0x",
            "mixHash": "0x" + "00" * 32, "nonce": "0x0000000000000000",
        }
        if at_least(first, "London"):
            self.genesis["baseFeePerGas"] = hex(10**9)
        if at_least(first, "Shanghai"):
            self.genesis["withdrawalsRoot"] = EMPTY_TRIE
        if at_least(first, "Cancun"):
            self.genesis |= {"blobGasUsed": "0x0", "excessBlobGas": "0x0", "parentBeaconBlockRoot": "0x" + "00" * 32}
        if at_least(first, "Prague"):
            self.genesis["requestsHash"] = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        self.headers, self.blocks = [self.genesis], []
        self.pre = json.loads(json.dumps(self.alloc))

    def root(self):
        """The state's root, by a block that does nothing."""
        result, _, _ = self.run("Frontier", {"currentNumber": "0x1", "currentDifficulty": "0x1"}, [], [], reward="-1")
        return result["stateRoot"]

    def run(self, fork, env, txs, ommers, reward=None):
        env = {
            "currentCoinbase": "0x" + "ab" * 20, "currentGasLimit": hex(GAS), "currentTimestamp": "0x1",
        } | env
        arguments = [
            "t8n", "--input.alloc", "stdin", "--input.env", "stdin", "--input.txs", "stdin",
            "--output.alloc", "stdout", "--output.result", "stdout",
            "--output.basedir", "/tmp", "--state.fork", fork,
        ] + (["--state.reward", reward] if reward else [])
        options = create_parser().parse_args(arguments)
        if reward:
            options.state_reward = int(reward)
        given = json.dumps({"env": env, "alloc": self.alloc, "txs": txs})
        out = io.StringIO()
        tool = T8N(options, out, io.StringIO(given), CACHE)
        tool.env.ommers = [
            types.SimpleNamespace(
                number=type(tool.env.block_number)(int(ommer["number"], 16)),
                coinbase=tool.fork.hex_to_address(ommer["miner"]),
            )
            for ommer in ommers
        ]
        assert tool.run() == 0
        answer = json.loads(out.getvalue())
        # The tool's own body leaves the types of transactions out.
        module = importlib.import_module(f"ethereum.forks.{tool.fork.hardfork.short_name}.transactions")
        encode = getattr(module, "encode_transaction", lambda tx: tx)
        encoded = map(encode, tool.txs.transactions)
        body = [tx if isinstance(tx, bytes) else rlp.decode(rlp.encode(tx)) for tx in encoded]
        return answer["result"], answer["alloc"], body

    def emptied(self):
        """Accounts without anything, which exist before EIP-158 alone."""
        return [
            address for address, a in self.alloc.items()
            if not int(a["balance"], 16) + int(a["nonce"], 16) and a["code"] == "0x"
        ]

    def grow(self, ommers=(), elapsed=None, txs=None):
        parent = self.headers[-1]
        number = int(parent["number"], 16) + 1
        time = int(parent["timestamp"], 16) + (elapsed or self.step)
        fork = self.fork_at(number, time)
        spec = "DaoFork" if number == getattr(self, "dao", None) else fork
        ommers = list(ommers)
        header = {
            "parentHash": hash_of(parent), "miner": "0x" + f"{0xA0 + number % 3:02x}" * 20, "number": hex(number),
            "timestamp": hex(time), "gasLimit": parent["gasLimit"], "nonce": "0x0000000000000000",
            "mixHash": "0x" + "00" * 32, "extraData": "0x",
        }
        if getattr(self, "dao", number + 1) <= number < getattr(self, "dao", 0) + 10:
            header["extraData"] = "0x" + b"dao-hard-fork".hex()
        env = {
            "currentCoinbase": header["miner"], "currentNumber": hex(number), "currentTimestamp": hex(time),
            "parentTimestamp": parent["timestamp"], "parentDifficulty": parent["difficulty"],
            "parentUncleHash": parent["sha3Uncles"],
            "blockHashes": {hex(n): hash_of(h) for n, h in enumerate(self.headers)},
        }
        if at_least(fork, "London"):
            if "baseFeePerGas" in parent:
                env |= {
                    "parentBaseFee": parent["baseFeePerGas"], "parentGasUsed": parent["gasUsed"],
                    "parentGasLimit": parent["gasLimit"],
                }
            else:
                header["gasLimit"] = hex(2 * int(parent["gasLimit"], 16))
                env["currentBaseFee"] = hex(10**9)
        env["currentGasLimit"] = header["gasLimit"]
        if at_least(fork, "Paris"):
            header["mixHash"] = env["currentRandom"] = "0x" + keccak256(bytes([number])).hex()
        if at_least(fork, "Shanghai"):
            env["withdrawals"] = [
                {"index": hex(number), "validatorIndex": "0x1", "address": NOWHERE, "amount": hex(number)},
                {"index": hex(number + 1), "validatorIndex": "0x2", "address": TALLY, "amount": "0x0"},
            ]
        if at_least(fork, "Cancun"):
            header["parentBeaconBlockRoot"] = env["parentBeaconBlockRoot"] = "0x" + keccak256(b"beacon").hex()
            env["parentExcessBlobGas"] = parent.get("excessBlobGas", "0x0")
            env["parentBlobGasUsed"] = parent.get("blobGasUsed", "0x0")
        txs = transactions(fork, number, self.nonces, self.emptied()) if txs is None else txs
        before = self.alloc
        result, self.alloc, body = self.run(spec, env, txs, ommers)
        assert not result["rejected"] and "blockException" not in result, (fork, result["rejected"], result.get("blockException"))
        for account in self.alloc.values():
            for key in ("balance", "nonce"):
                account.setdefault(key, "0x0")
            account.setdefault("code", "0x")
            account["storage"] = {k: v for k, v in account.get("storage", {}).items() if int(v, 16)}
        header |= {
            "sha3Uncles": "0x" + keccak256(rlp.encode([header_list(o) for o in ommers])).hex(),
            "stateRoot": result["stateRoot"], "transactionsRoot": result["txRoot"],
            "receiptsRoot": result["receiptsRoot"], "logsBloom": result["logsBloom"], "gasUsed": result["gasUsed"],
            "difficulty": result["currentDifficulty"] or "0x0",
        }
        if at_least(fork, "London"):
            header["baseFeePerGas"] = result["currentBaseFee"]
        if at_least(fork, "Shanghai"):
            header["withdrawalsRoot"] = result["withdrawalsRoot"]
        if at_least(fork, "Cancun"):
            blobs = sum(len(tx.get("blobVersionedHashes", [])) for tx in txs)
            header |= {"excessBlobGas": result["currentExcessBlobGas"], "blobGasUsed": hex(blobs << 17)}
        if at_least(fork, "Prague"):
            header["requestsHash"] = result["requestsHash"]
        self.last = (header, body, ommers, env.get("withdrawals"))
        self.headers.append(header)
        self.blocks.append(self.encode(*self.last))
        del before
        return header

    @staticmethod
    def encode(header, txs, ommers, withdrawals):
        block = [header_list(header), txs, [header_list(o) for o in ommers]]
        if withdrawals is not None:
            number = lambda text: raw("number", text)
            block.append([
                [number(w["index"]), number(w["validatorIndex"]), bytes.fromhex(w["address"][2:]), number(w["amount"])]
                for w in withdrawals
            ])
        return rlp.encode(block)


def all_forks():
    """One chain through every fork, as a geth genesis and a chain file."""
    blocks = [
        (1, "Frontier"), (3, "Homestead"), (7, "EIP150"), (9, "EIP158"), (11, "Byzantium"),
        (14, "ConstantinopleFix"), (17, "Istanbul"), (19, "Berlin"), (21, "London"), (24, "Paris"),
        (26, "Shanghai"), (28, "Cancun"), (31, "Prague"), (34, "Osaka"), (37, "BPO1"), (40, "BPO2"),
    ]
    last = 43

    def fork_at(number, _time):
        return [name for first, name in blocks if first <= max(number, 1)][-1]

    chain = Chain(fork_at)
    chain.dao = 5
    while len(chain.blocks) < last:
        ommers = []
        if len(chain.blocks) in (3, 12):
            # A sibling of the newest block.
            ommers = [chain.headers[-1] | {"miner": "0x" + "0b" * 20}]
        chain.grow(ommers)
    first = dict((name, number) for number, name in blocks)
    time = lambda fork: int(chain.headers[first[fork]]["timestamp"], 16)
    total = sum(int(h["difficulty"], 16) for h in chain.headers)
    config = {
        "chainId": 1, "homesteadBlock": first["Homestead"], "daoForkBlock": chain.dao, "daoForkSupport": True,
        "eip150Block": first["EIP150"], "eip155Block": first["EIP158"], "eip158Block": first["EIP158"],
        "byzantiumBlock": first["Byzantium"], "constantinopleBlock": first["ConstantinopleFix"],
        "petersburgBlock": first["ConstantinopleFix"], "istanbulBlock": first["Istanbul"],
        "berlinBlock": first["Berlin"], "londonBlock": first["London"], "mergeNetsplitBlock": first["Paris"],
        "terminalTotalDifficulty": total, "shanghaiTime": time("Shanghai"), "cancunTime": time("Cancun"),
        "pragueTime": time("Prague"), "osakaTime": time("Osaka"), "bpo1Time": time("BPO1"), "bpo2Time": time("BPO2"),
        "blobSchedule": {
            "cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477},
            "prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
            "osaka": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
            "bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8346193},
            "bpo2": {"target": 14, "max": 21, "baseFeeUpdateFraction": 11684671},
        },
        "depositContractAddress": DEPOSIT,
    }
    genesis = {
        "config": config, "nonce": "0x0", "timestamp": "0x0", "extraData": "0x", "gasLimit": hex(GAS),
        "difficulty": "0x20000", "mixHash": "0x" + "00" * 32, "coinbase": "0x" + "00" * 20, "alloc": chain.pre,
    }
    (HERE / "all-forks.genesis.json").write_text(json.dumps(genesis, indent=1) + "\n")
    (HERE / "all-forks.rlp").write_bytes(b"".join(chain.blocks))
    facts = [{"number": n, "hash": hash_of(h), "stateRoot": h["stateRoot"]} for n, h in enumerate(chain.headers)]
    (HERE / "all-forks.blocks.json").write_text(json.dumps(facts, indent=1) + "\n")
    return chain


def test(chain, network, blocks, last, alloc):
    return {
        "network": network, "sealEngine": "NoProof", "pre": chain.pre, "blocks": blocks,
        "genesisRLP": "0x" + chain.encode(chain.genesis, [], [], [] if "withdrawalsRoot" in chain.genesis else None).hex(),
        "lastblockhash": last, "postState": alloc, "config": {"network": network, "chainid": "0x01"},
    }


SPOILT = [
    ("stateRoot", "0x" + "11" * 32, "BlockException.INVALID_STATE_ROOT"),
    ("receiptsRoot", "0x" + "11" * 32, "BlockException.INVALID_RECEIPTS_ROOT"),
    ("gasUsed", "0x5208", "BlockException.INVALID_GAS_USED"),
    ("timestamp", "0x0", "BlockException.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"),
    ("extraData", "0x" + "22" * 33, "BlockException.EXTRA_DATA_TOO_BIG"),
    ("parentHash", "0x" + "33" * 32, "BlockException.UNKNOWN_PARENT|BlockException.UNKNOWN_PARENT_ZERO"),
]


def block_tests():
    """Blockchain tests: each fork from genesis on, and each transition."""
    tests = {}
    for network in FORKS:
        chain = Chain(lambda _n, _t, network=network: network)
        blocks = []
        for _ in range(2):
            chain.grow()
            blocks.append({"rlp": "0x" + chain.blocks[-1].hex()})
        header, txs, ommers, withdrawals = chain.last
        for field, value, exception in SPOILT if FORKS.index(network) % 4 == 0 else []:
            wrong = chain.encode(header | {field: value}, txs, ommers, withdrawals)
            blocks.insert(1, {"rlp": "0x" + wrong.hex(), "expectException": exception})
        tests[f"two blocks, {network}"] = test(chain, network, blocks, hash_of(header), chain.alloc)
    for before, after in zip(FORKS, FORKS[1:]):
        timed = at_least(after, "Shanghai")
        if after == "Paris":
            continue
        step = 5_000 if timed else 13
        begins = (lambda n, t: t >= 15_000) if timed else (lambda n, t: n >= 5)
        chain = Chain(lambda n, t, a=after, b=before, f=begins: a if f(n, t) else b, step=step)
        for _ in range(4 if timed else 6):
            chain.grow()
        network = f"{before}To{after}At" + ("Time15k" if timed else "5")
        blocks = [{"rlp": "0x" + block.hex()} for block in chain.blocks]
        tests[network] = test(chain, network, blocks, hash_of(chain.headers[-1]), chain.alloc)
        tests[network]["postStateHash"] = chain.headers[-1]["stateRoot"]
        del tests[network]["postState"]
    return tests


def branches():
    """Two branches; the one that is heavier in the end comes second."""
    fork_at = lambda _n, _t: "Byzantium"
    first, second = Chain(fork_at), Chain(fork_at)
    first.grow()
    second.grow()
    blocks = [{"rlp": "0x" + first.blocks[0].hex()}]
    for _ in range(2):
        # Slowly: less difficult.
        first.grow(elapsed=40)
    for _ in range(2):
        second.grow(elapsed=5)
    for chain in (first, second):
        blocks += [{"rlp": "0x" + block.hex()} for block in chain.blocks[1:]]
    last = hash_of(second.headers[-1])
    return {"the heavier branch wins": test(first, "Byzantium", blocks, last, second.alloc)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    all_forks()
    tests = block_tests() | branches()
    (HERE / "blocks.json").write_text(json.dumps(tests, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
