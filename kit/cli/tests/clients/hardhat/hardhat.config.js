export default {
  networks: {
    rollup: { type: "http", chainType: "l1", url: process.env.ROLLWRIGHT_RPC ?? "http://127.0.0.1:8545" },
  },
};
