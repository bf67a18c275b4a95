"""One file per API, named as in `wire/messages`, with one function of that name:

    def end_txn(request: EndTxnRequest, ctx: Context) -> EndTxnResponse | Awaitable[EndTxnResponse]

What stands here is what the broker can do: `server/apis.py` lists this folder, ApiVersions advertises what it finds,
and a file is imported at its first request. A handler is a plain function; it may return a future, and for rare
administrative requests be a coroutine. None as a response means that nothing is sent. Errors are raised as
`KafkaError(code, message)` where the whole request fails; what failed for one item is put into its place.

What a request carries as views (records) is lent until the handler has returned its response, or its future is done.

A version number appears on the first lines only, under a name: `requires_member_id = ctx.version >= 4  # KIP-394`.
"""
