// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland.Server;

/// <summary>One client of a server. It ends with the first thing it does wrong.</summary>
public sealed class WaylandServerClient : WaylandEndpoint, IWlDisplayRequests, IWlRegistryRequests
{
    private readonly WaylandServer _server;
    private readonly WlDisplayResource _display;
    private readonly List<WlRegistryResource> _registries = [];
    private bool _isReported;

    internal WaylandServerClient(WaylandServer server, UnixSocketHandle socket)
        : base(socket, isServer: true)
    {
        _server = server;
        _display = new WlDisplayResource { Handler = this };
        TryInsertRemote(1, _display, _display.Interface.Version);
    }

    internal override bool AllowsZombies => false;

    /// <summary>The live objects of one type.</summary>
    /// <typeparam name="T">The resource class.</typeparam>
    public IEnumerable<T> Resources<T>()
        where T : WaylandResource => Objects.Live().OfType<T>();

    /// <summary>Ends the client with a protocol error.</summary>
    /// <param name="resource">The object it concerns.</param>
    /// <param name="code">A value of that interface's error enum.</param>
    /// <param name="message">What was wrong.</param>
    public void PostError(WaylandResource resource, uint code, string message)
    {
        ArgumentNullException.ThrowIfNull(resource);
        PostError(resource.Interface.Name, resource.Id, code, message);
    }

    void IWlDisplayRequests.OnSync(WlDisplayResource sender, WlCallbackResource callback) => callback.SendDone(_server.NextSerial());

    void IWlDisplayRequests.OnGetRegistry(WlDisplayResource sender, WlRegistryResource registry)
    {
        registry.Handler = this;
        _registries.Add(registry);
        foreach (var global in _server.Globals)
            registry.SendGlobal(global.Name, global.Type.Name, global.Version);
    }

    void IWlRegistryRequests.OnBind(WlRegistryResource sender, uint name, ReadOnlySpan<byte> @interface, uint version, uint id)
    {
        var global = _server.FindGlobal(name);
        var asked = Encoding.UTF8.GetString(@interface);
        if (global is null || global.Type.Name != asked || version == 0 || version > global.Version)
        {
            PostError(sender, (uint)WlDisplayError.InvalidObject, $"no global {name} is a {asked} of version {version}");
            return;
        }

        var resource = global.CreateShell();
        if (!TryInsertRemote(id, resource, version))
        {
            PostError(sender, (uint)WlDisplayError.InvalidObject, $"id {id} can't be used");
            return;
        }

        global.Bound(resource);
    }

    internal override ReadOnlySpan<WaylandMessage> Outgoing(WaylandInterface type) => type.Events;

    internal void SendGlobal(WaylandServerGlobal global)
    {
        foreach (var registry in _registries)
            registry.SendGlobal(global.Name, global.Type.Name, global.Version);
    }

    internal void SendGlobalRemove(WaylandServerGlobal global)
    {
        foreach (var registry in _registries)
            registry.SendGlobalRemove(global.Name);
    }

    internal void Destroy(WaylandResource resource)
    {
        var id = resource.Id;
        Objects.Retire(resource);
        if (ObjectMap.IsServerId(id))
            Objects.TryFree(id);
        else
            _display.SendDeleteId(id);
        resource.RaiseDestroyed();
    }

    private protected override void DispatchMessage(WireHeader header, scoped ref WireReader reader)
    {
        if (!Objects.TryFind(header.ObjectId, out var found, out _) || found is not WaylandResource resource)
        {
            PostError(_display, (uint)WlDisplayError.InvalidObject, $"no object {header.ObjectId}");
            return;
        }

        var requests = resource.Interface.Requests;
        if (header.Opcode >= requests.Length || requests[header.Opcode].Since > resource.Version)
        {
            PostError(_display, (uint)WlDisplayError.InvalidMethod, $"{resource} of version {resource.Version} has no request {header.Opcode}");
            return;
        }

        resource.DispatchRequest(header.Opcode, ref reader);
        if (reader.Error != WireError.None)
        {
            var code = reader.Error is WireError.UnknownObject or WireError.WrongInterface or WireError.InvalidNewId
                ? WlDisplayError.InvalidObject
                : WlDisplayError.InvalidMethod;
            PostError(_display, (uint)code, $"{resource}.{requests[header.Opcode].Name}: {reader.Error}");
        }
    }

    private protected override void ReportFailure()
    {
        if (!HasFailed || _isReported)
            return;
        _isReported = true;
        foreach (var resource in Objects.Live().OfType<WaylandResource>().ToArray())
        {
            Objects.Retire(resource);
            resource.RaiseDestroyed();
        }
    }

    private protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        ReportFailure();
    }

    private void PostError(string name, uint objectId, uint code, string message)
    {
        if (HasFailed)
            return;
        _display.SendError(objectId, code, message);
        Flush();
        Fail(new WaylandFailure(WaylandFailureKind.ProtocolError, $"the client broke the protocol: {name}#{objectId}, error {code}: {message}", new ProtocolError(name, objectId, code, message)));
    }
}
