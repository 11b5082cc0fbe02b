// The part of the stand-in for bitcoind that has a chain of its own: blocks on demand, one wallet, transactions. A transaction is the hex
// of JSON here, {inputs: [point], outputs: [{address, sats}]}; everything else has bitcoind's shapes.
import crypto from "node:crypto";
import fs from "node:fs";

const sha256 = (text) => crypto.createHash("sha256").update(text).digest("hex");
const error = (code, message) => Object.assign(new Error(message), { code });
const btc = (sats) => sats / 1e8;
const ADDRESS = /^bcrt1q[ac-hj-np-z02-9]{38,58}$/;

/** The calls of a chain that is kept in `folder`. */
export function regtest(folder) {
  const file = `${folder}/stand-in.json`;
  const state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : { blocks: [], transactions: {}, mempool: [], wallet: null };
  let loaded = state.wallet?.loadOnStartup ?? false;
  const save = () => {
    fs.writeFileSync(`${file}.new`, JSON.stringify(state));
    fs.renameSync(`${file}.new`, file);
  };
  const height = () => state.blocks.length;
  const hashes = () => [sha256("genesis"), ...state.blocks.map(({ hash }) => hash)];
  const wallet = (name) => {
    if (name !== "faucet" || !loaded) throw error(-18, "Requested wallet does not exist or is not loaded");
    return state.wallet;
  };
  const subsidy = (at) => Math.floor(5_000_000_000 / 2 ** Math.floor(at / 150));
  const heightOf = (txid) => state.blocks.findIndex(({ txids }) => txids.includes(txid)) + 1;

  function generate(count, address) {
    if (!ADDRESS.test(address)) throw error(-5, "Error: Invalid address");
    const made = [];
    for (let n = 0; n < Number(count); n += 1) {
      const at = height() + 1;
      const coinbase = sha256(`coinbase ${at}`);
      state.transactions[coinbase] = { inputs: [], outputs: [{ address, sats: subsidy(at) }], coinbase: true };
      const hash = sha256(`regtest block ${at}`);
      state.blocks.push({ hash, time: Math.floor(Date.now() / 1000), txids: [coinbase, ...state.mempool] });
      state.mempool = [];
      made.push(hash);
    }
    save();
    return made;
  }

  const mine = () => Object.values(state.transactions).filter(({ coinbase, outputs }) => coinbase && state.wallet.addresses.includes(outputs[0].address));
  function trusted() {
    const mature = Object.entries(state.transactions).filter(([txid, { coinbase, outputs }]) =>
      coinbase && state.wallet.addresses.includes(outputs[0].address) && height() - heightOf(txid) >= 100);
    return mature.reduce((sum, [, { outputs }]) => sum + outputs[0].sats, 0) - state.wallet.spent;
  }

  function accept(transaction) {
    const txid = sha256(JSON.stringify(transaction));
    if (state.transactions[txid]) return txid;
    state.transactions[txid] = transaction;
    state.mempool.push(txid);
    save();
    return txid;
  }

  return {
    tip: () => ({ blocks: height(), hash: hashes().at(-1), time: state.blocks.at(-1)?.time ?? 1296688602 }),
    calls: {
      generatetoaddress: (_, count, address) => generate(count, address),
      getblockhash: (_, at) => hashes()[Number(at)] ?? (() => { throw error(-8, "Block height out of range"); })(),
      getblock: (_, hash, verbosity) => {
        if (String(verbosity) !== "2") throw error(-8, "the stand-in knows verbosity 2 only");
        const at = hashes().indexOf(hash);
        if (at < 0) throw error(-5, "Block not found");
        const block = state.blocks[at - 1] ?? { txids: [], time: 1296688602 };
        return {
          hash, height: at, time: block.time,
          tx: block.txids.map((txid) => ({ txid, vout: state.transactions[txid].outputs.map(({ address, sats }, n) => ({ n, value: btc(sats), scriptPubKey: { address } })) })),
        };
      },
      sendrawtransaction: (_, hex) => accept(JSON.parse(Buffer.from(hex, "hex").toString())),
      // Nobody spends a channel's funding here.
      gettxout: (_, txid, n) => state.transactions[txid]?.outputs[n] && { bestblock: hashes().at(-1), confirmations: 0, value: btc(state.transactions[txid].outputs[n].sats) },
      listwallets: () => (loaded ? ["faucet"] : []),
      listwalletdir: () => ({ wallets: state.wallet ? [{ name: "faucet", warnings: [] }] : [] }),
      createwallet: (_, { wallet_name: name, load_on_startup: always, ...unknown }) => {
        if (name !== "faucet" || Object.keys(unknown).length) throw error(-8, "Unknown named parameter");
        if (state.wallet) throw error(-4, "Wallet file verification failed. Failed to create database path. Database already exists.");
        state.wallet = { loadOnStartup: always === true, addresses: [], spent: 0, sends: [] };
        loaded = true;
        save();
        return { name, warnings: [] };
      },
      loadwallet: (_, { filename, load_on_startup: always }) => {
        if (!state.wallet || filename !== "faucet") throw error(-18, "Wallet file verification failed.");
        state.wallet.loadOnStartup = always === true;
        loaded = true;
        save();
        return { name: filename, warnings: [] };
      },
      getnewaddress: (name) => {
        const address = `bcrt1q${sha256(`faucet ${wallet(name).addresses.length}`).replace(/[1b]/g, "q").slice(0, 38)}`;
        state.wallet.addresses.push(address);
        save();
        return address;
      },
      getbalances: (name) => wallet(name) && { mine: { trusted: btc(trusted()), untrusted_pending: 0, immature: 0 }, lastprocessedblock: { hash: hashes().at(-1), height: height() } },
      listtransactions: (name, label, count) => {
        if (label !== "*" || !(Number(count) > 0)) throw error(-8, "Negative count");
        const { sends } = wallet(name);
        return [...mine().map(({ outputs }) => ({ ...outputs[0], category: "generate", amount: btc(outputs[0].sats) })), ...sends].slice(-Number(count));
      },
      sendmany: (name, { dummy, amounts, comment, ...unknown }) => {
        if (dummy !== "" || Object.keys(unknown).length) throw error(-8, "Unknown named parameter");
        const outputs = Object.entries(amounts).map(([address, amount]) => {
          if (!ADDRESS.test(address)) throw error(-5, `Invalid Bitcoin address: ${address}`);
          if (!/^\d+\.\d{1,8}$/.test(amount)) throw error(-3, "Invalid amount");
          const [whole, part] = amount.split(".");
          return { address, sats: Number(whole) * 1e8 + Number(part.padEnd(8, "0")) };
        });
        const sum = outputs.reduce((total, { sats }) => total + sats, 10_000);
        wallet(name);
        if (sum > trusted()) throw error(-6, "Insufficient funds");
        const txid = accept({ inputs: [`faucet:${state.wallet.spent}`], outputs });
        state.wallet.spent += sum;
        state.wallet.sends.push(...outputs.map(({ address, sats }) => ({ address, category: "send", amount: btc(-sats), txid, comment })));
        save();
        return txid;
      },
    },
  };
}
