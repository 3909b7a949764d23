// Uses a mailbox with one message through ImapFlow: session.js IMAPS-PORT CERTIFICATE USER PASSWORD. NODE_PATH says where it is.
const assert = require("node:assert");
const fs = require("node:fs");
const { ImapFlow } = require("imapflow");

const [port, certificate, user, pass] = process.argv.slice(2);

// With QRESYNC, ImapFlow does not count what vanished; so only one of the sessions has it.
const connect = async (qresync) => {
    const client = new ImapFlow({
        host: "127.0.0.1",
        port: Number(port),
        secure: true,
        auth: { user, pass },
        tls: { ca: fs.readFileSync(certificate), checkServerIdentity: () => undefined },
        qresync,
        logger: false,
    });
    await client.connect();
    return client;
};

const main = async () => {
    const client = await connect(false);
    const folders = await client.list({ statusQuery: { messages: true, unseen: true } });
    const inbox = folders.find((folder) => folder.path === "INBOX");
    assert.deepEqual([inbox.status.messages, inbox.status.unseen], [1, 1]);
    assert.equal(folders.find((folder) => folder.path === "Sent").specialUse, "\\Sent");

    let lock = await client.getMailboxLock("INBOX");
    const message = await client.fetchOne("1", {
        envelope: true,
        flags: true,
        bodyStructure: true,
        size: true,
        internalDate: true,
        threadId: true,
        source: true,
    });
    assert.equal(message.envelope.subject, "for a reader");
    assert.equal(message.bodyStructure.type, "text/plain");
    assert.ok(message.emailId, "EMAILID (RFC 8474)");
    assert.match(message.source.toString(), /Hello reader\./);
    const { content } = await client.download("1", "1");
    let text = "";
    for await (const piece of content) {
        text += piece;
    }
    assert.equal(text.trim(), "Hello reader.");
    assert.ok(await client.messageFlagsAdd("1", ["\\Seen", "\\Flagged", "Work"]));
    assert.ok(await client.messageFlagsRemove("1", ["\\Flagged"]));
    const { flags } = await client.fetchOne("1", { flags: true });
    assert.deepEqual([...flags].filter((flag) => flag !== "\\Recent").sort(), ["Work", "\\Seen"]);
    assert.deepEqual(await client.search({ subject: "reader", seen: true }), [1]);
    assert.deepEqual(await client.search({ body: "grün" }), []);
    assert.deepEqual(await client.search({ keyword: "Work", since: new Date(Date.now() - 86_400_000) }), [1]);

    await client.mailboxCreate(["Archiv & Ä", "2026"]);
    const path = "Archiv & Ä/2026";
    const appended = await client.append(path, "Subject: appended\r\n\r\nText.\r\n", ["\\Seen"], new Date("2020-02-29T12:00:00Z"));
    assert.equal(appended.uid, 1);
    assert.deepEqual([...(await client.messageCopy("1", path)).uidMap], [[1, 2]]);
    assert.deepEqual([...(await client.messageMove("1", path)).uidMap], [[1, 3]]);
    assert.equal(client.mailbox.exists, 0);
    lock.release();

    const status = await client.status(path, { messages: true, unseen: true, highestModseq: true });
    assert.deepEqual([status.messages, status.unseen], [3, 0]);
    assert.ok(await client.getQuota("INBOX") !== undefined);

    // IDLE in one session, a message from another.
    lock = await client.getMailboxLock("INBOX");
    const arrival = new Promise((resolve) => client.once("exists", resolve));
    const idle = client.idle();
    const other = await connect(true);
    await other.append("INBOX", "Subject: meanwhile\r\n\r\nText.\r\n");
    assert.equal((await arrival).count, 1);
    const expunged = new Promise((resolve) => client.once("expunge", resolve));
    await other.mailboxOpen("INBOX");
    await other.messageDelete("1:*");
    await expunged;
    lock.release();
    await other.logout();
    await client.noop();
    await idle;
    await client.mailboxDelete(path);
    await client.logout();
    console.log("ok");
};

main().catch((error) => {
    console.error(error, error.response ?? "");
    process.exit(1);
});
