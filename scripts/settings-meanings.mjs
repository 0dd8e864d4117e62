// What each setting means, and what the code does not tell of its default and of what it may be.

const seconds = (meaning) => ({ meaning: `${meaning}, in seconds` });
const ms = (meaning) => ({ meaning: `${meaning}, in milliseconds` });
const pem = (meaning) => ({ meaning, allowed: "a PEM file" });

export const MEANINGS = {
  AMQP_URL: {
    meaning: "RabbitMQ, through which events travel",
    default: "in process, where several modules share one",
    allowed: "`amqp://` or `amqps://`",
  },
  AZURE_STORAGE_CONNECTION_STRING: {
    meaning: "the storage account that keeps objects, in place of the three below",
    allowed: "as the Azure portal shows it",
  },
  CATALOG_KEEP_DELETED_SECONDS: seconds("how long a deleted video can be had back"),
  CATALOG_PURGE_SECONDS: seconds("how often what is past its time is purged"),
  DBHOST: {
    meaning: "MongoDB, which keeps documents",
    default: "embedded under `REELMESH_DATA`, where several modules share a process",
    allowed: "`mongodb://` or `mongodb+srv://`",
  },
  DBNAME: {
    meaning: "the database there; where several modules share a process, what its name begins with",
    default: "the service's name",
    allowed: "1 to 40 letters, digits, _ or -",
  },
  GATEWAY_CATCH_UP_SECONDS: seconds("how often the edge looks for changes that no event told of"),
  GATEWAY_EVENT_STREAMS: { meaning: "how many pages are told of changes at a time" },
  GATEWAY_HOSTS: {
    meaning: "names besides loopback's that the edge answers to",
    allowed: "names, comma separated",
  },
  GATEWAY_LISTEN: { meaning: "where browsers come" },
  GATEWAY_WITHOUT_ACCOUNTS: {
    meaning: "whether the edge listens beyond loopback although whoever reaches it owns every video",
    default: "`refuse`",
  },
  LOG_LEVEL: { meaning: "how much is logged", default: "`info`; `warn` where several modules share a process" },
  MESH_DRAIN_MS: ms("how long calls at work may take to end at a stop"),
  MESH_DRAIN_NOTICE_MS: ms("how long a server that stops still takes calls, so that balancers see it go"),
  MESH_FAULTS: { meaning: "whether calls may be harmed on purpose", default: "`never`" },
  MESH_FAULT_RULES: { meaning: "the harm in force", allowed: "a JSON array" },
  MESH_MAX_STREAMS: { meaning: "how many streams a server keeps open at a time" },
  MESH_PATIENCE_MS: ms("how long a call waits for a service that no connection reaches"),
  MESH_PEERS: {
    meaning: "operators' ports of other processes, which this one's page shows too",
    allowed: "host:port, comma separated",
  },
  MESH_PLAINTEXT: { meaning: "where services may listen without certificates", default: "`loopback`" },
  MESH_SECRET: {
    meaning: "what signs every token; the first signs, both verify",
    default: "made and kept under `REELMESH_DATA`, where several modules share a process",
    allowed: "one or two secrets of 32 bytes, comma separated",
  },
  MESH_SECRET_FILE: { meaning: "where to read it instead", allowed: "a file" },
  MESH_TLS_CA: pem("the authority of the mesh's certificates"),
  MESH_TLS_CERT: pem("the process's certificate"),
  MESH_TLS_CONNECTION_AGE_MS: ms("how old a connection, and so the certificates it began with, gets"),
  MESH_TLS_KEY: pem("its key"),
  MESH_TLS_REFRESH_MS: ms("how often these files are read again"),
  OPS_HOSTS: {
    meaning: "names besides addresses and localhost that operators come by",
    allowed: "names, comma separated",
  },
  OPS_LISTEN: { meaning: "where the operators' port is" },
  OPS_PORT: { meaning: "changes the port alone", default: "that of `OPS_LISTEN`" },
  OTEL_BSP_SCHEDULE_DELAY: ms("how long spans may wait for others to go with"),
  OTEL_EXPORTER_OTLP_ENDPOINT: { meaning: "the collector that traces go to", allowed: "an HTTP address" },
  OTEL_TRACES_SAMPLER_ARG: { meaning: "the share of traces that goes there", default: "1", allowed: "0 to 1" },
  PORT: { meaning: "changes the port alone", default: "that of `GATEWAY_LISTEN`" },
  REELMESH_DATA: {
    meaning: "where a process of several modules keeps its data",
    default: "`data`",
    allowed: "a folder",
  },
  STORAGE_ACCESS_KEY: {
    meaning: "a key of that account; without one, the process's own identity opens it",
    allowed: "base64",
  },
  STORAGE_ACCOUNT_NAME: {
    meaning: "the Azure storage account that keeps objects",
    default: "disk under `REELMESH_DATA`, where several modules share a process",
    allowed: "3 to 24 of a-z 0-9",
  },
  STORAGE_CONTAINER: {
    meaning: "the container there",
    default: "`reelmesh`",
    allowed: "3 to 63 of a-z 0-9 and single dashes",
  },
  STREAMING_ACCESS_SECONDS: seconds("how long the edge may remember who may watch what"),
  STREAMING_GRANT_SECONDS: seconds("how long a grant opens a video's media"),
  UPLOAD_EXPIRE_SECONDS: seconds("how long an upload is kept without a new byte"),
  UPLOAD_MAX_BYTES: { meaning: "the largest file, in bytes" },
  UPLOAD_RECONCILE_SECONDS: seconds("how often unfinished work is taken up again"),
  UPLOAD_SWEEP_AGE_SECONDS: seconds("how old a source without a video must be to be removed"),
  UPLOAD_SWEEP_SECONDS: seconds("how often such sources are looked for"),
};

/** What every service has under its own name. */
export const OF_A_SERVICE = {
  LISTEN: (service) => ({ meaning: `where ${service} serves gRPC` }),
  ADDRESS: (service) => ({
    meaning: `where others find ${service}: every replica, or a name that DNS knows them by`,
    default: "none; in one process, where it listens",
    allowed: "host:port, comma separated",
  }),
};
