// A container registry with stand-in images, for a real Docker to pull from. A digest is the SHA-256 of what is pulled and cannot be
// faked: so the stand-ins have digests of their own, and the release list of the test pins those.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STAND_INS = fileURLToPath(new URL("../stand-ins", import.meta.url));
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const sha256 = (bytes) => `sha256:${crypto.createHash("sha256").update(bytes).digest("hex")}`;

/** The registry's server, and per stand-in the digest of its image. */
export function stockRegistry(image) {
  const blobs = new Map();
  const keep = (bytes) => {
    const digest = sha256(bytes);
    blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };
  const tar = ["--create", "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mtime=@0", "--mode=a+rX"];
  const standIns = execFileSync("tar", [...tar, "--directory", path.dirname(STAND_INS), path.basename(STAND_INS), "--directory", HERE, "mounts.mjs"]);
  const layers = [fs.readFileSync(path.join(image, "runtime.tar")), standIns].map((bytes) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar", ...keep(bytes),
  }));
  const digests = Object.fromEntries(["lnd", "lnbits"].map((name) => {
    const config = keep(Buffer.from(JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: {
        Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "OPENSSL_CONF=/etc/ssl/openssl.cnf"],
        Entrypoint: ["/usr/local/bin/node", "--import", "/mounts.mjs", `/stand-ins/${name}.mjs`],
      },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    })));
    const manifest = keep(Buffer.from(JSON.stringify({
      schemaVersion: 2, mediaType: MANIFEST, config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config }, layers,
    })));
    return [name, manifest.digest];
  }));

  /** The part of the registry's HTTP API that a pull by digest needs. */
  const serve = (request, response) => {
    if (request.url === "/v2/") return response.end("{}");
    const [, kind, digest] = /^\/v2\/.+\/(manifests|blobs)\/(sha256:[0-9a-f]{64})$/.exec(request.url) ?? [];
    const bytes = blobs.get(digest);
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": kind === "manifests" ? MANIFEST : "application/octet-stream",
      "content-length": bytes.length,
      "docker-content-digest": digest,
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  };
  return { server: http.createServer(serve), digests };
}
