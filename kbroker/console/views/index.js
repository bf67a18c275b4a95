// Every view of the console: a file in this folder and a row here.
//
//   path    the address behind #, with :names that become `params`        title   in the navigation; null: not there
//   keys    the keys that lead there                                      load    imports the view when it is needed
//   when    (about) => whether it is there at all
//
// A view is the default export of its file: a component that is given {params, query, about}.

export const VIEWS = [
  { path: "/", title: "Overview", keys: "g o", load: () => import("./overview.js") },
  { path: "/brokers/:id", title: null, load: () => import("./broker.js") },
  { path: "/topics", title: "Topics", keys: "g t", load: () => import("./topics.js") },
  { path: "/topics/:name", title: null, load: () => import("./topic.js") },
  { path: "/messages", title: "Messages", keys: "g m", load: () => import("./messages.js") },
  { path: "/messages/:topic", title: null, load: () => import("./messages.js") },
  { path: "/groups", title: "Groups", keys: "g g", load: () => import("./groups.js") },
  { path: "/groups/:id", title: null, load: () => import("./group.js") },
  { path: "/transactions", title: "Transactions", keys: "g x", load: () => import("./transactions.js") },
  { path: "/acls", title: "Access rules", keys: "g a", load: () => import("./acls.js") },
  { path: "/users", title: "Users", keys: "g u", load: () => import("./users.js") },
  { path: "/quotas", title: "Quotas", keys: "g q", load: () => import("./quotas.js") },
  { path: "/metrics", title: "Client metrics", keys: "g c", load: () => import("./metrics.js") },
  { path: "/control", title: "Faults and clock", keys: "g f", when: (about) => about.control, load: () => import("./control.js") },
  { path: "/wire", title: "Wire", keys: "g w", load: () => import("./wire.js") },
  { path: "/wire/connection/:id", title: null, load: () => import("./wire.js") },
  { path: "/wire/frame/:number", title: null, load: () => import("./wire_frame.js") },
  { path: "/wire/group/:id", title: null, load: () => import("./wire_group.js") },
  { path: "/wire/transaction/:id", title: null, load: () => import("./wire_transaction.js") },
  { path: "/step", title: "Step mode", keys: "g s", when: (about) => about.control, load: () => import("./step.js") },
  { path: "/lessons", title: "Lessons", keys: "g l", when: (about) => about.control, load: () => import("./lessons.js") },
];
