// The tabs of a topic's page: a row and a file each. A tab is the default export: a component given {topic, data, about, query}.

export const TABS = [
  { name: "partitions", title: "Partitions", load: () => import("./topic_partitions.js") },
  { name: "messages", title: "Messages", load: () => import("./topic_messages.js") },
  { name: "configs", title: "Configs", load: () => import("./topic_configs.js") },
  { name: "producers", title: "Producers", load: () => import("./topic_producers.js") },
  { name: "groups", title: "Groups", load: () => import("./topic_groups.js") },
];
