// Run by mongosh in the container of MongoDB as its health check: makes the replica set of one and the two users where they are
// not there yet, and is well when the services' user can log in. Its password is the one in their address of MongoDB.
const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();
const [, user, password] = /^mongodb:\/\/([^:]+):([^@]+)@/.exec(secret("mongodb-url"));
const rootPassword = secret("mongodb-root-password");
const admin = db.getSiblingDB("admin");

function logsIn(name, word) {
  try {
    admin.auth(name, word);
    return true;
  } catch (error) {
    return false;
  }
}

if (!logsIn(user, password)) {
  // Until there is a user, a client on this very machine may do this, and make the first one.
  try {
    rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] });
  } catch (error) {
    print(`no new replica set: ${error.codeName}`);
  }
  while (!db.hello().isWritablePrimary) sleep(100);
  if (!logsIn("root", rootPassword)) {
    admin.createUser({ user: "root", pwd: rootPassword, roles: ["root"] });
    admin.auth("root", rootPassword);
  }
  // Generations of the read model are databases, which are made and dropped.
  const roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase"];
  if (admin.getUser(user)) admin.updateUser(user, { pwd: password, roles });
  else admin.createUser({ user, pwd: password, roles });
  print(`the user ${user} is there`);
}
