// Every view of the console: a file in this folder and a row here.
//
//   path    the address behind #, with :names that become `params`        title   in the navigation; null: not there
//   keys    the keys that lead there                                      load    imports the view when it is needed
//   when    (about) => whether it is there at all
//
// A view is the default export of its file: a component that is given {params, query, about}.

export const VIEWS = [
  { path: "/", title: "Overview", keys: "g o", load: () => import("./overview.js") },
];
