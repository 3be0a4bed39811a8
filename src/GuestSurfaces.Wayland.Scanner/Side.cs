// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland.Scanner;

/// <summary>Client and server code is the same but for its names and directions.</summary>
/// <param name="Namespace">Where the classes live.</param>
/// <param name="ClassSuffix">After the interface's name.</param>
/// <param name="BaseClass">The hand-written base.</param>
/// <param name="TypeInterface">The static side of a class.</param>
/// <param name="SendPrefix">Before the names of methods that send.</param>
/// <param name="ReceiverSuffix">After the name of the interface that incoming messages are delivered to.</param>
/// <param name="ReceiverProperty">Where the receiver is set.</param>
/// <param name="DispatchMethod">What the hand-written code calls.</param>
/// <param name="IsServer">Which side it is.</param>
internal sealed record Side(
    string Namespace,
    string ClassSuffix,
    string BaseClass,
    string TypeInterface,
    string SendPrefix,
    string ReceiverSuffix,
    string ReceiverProperty,
    string DispatchMethod,
    bool IsServer)
{
    internal static Side Client { get; } = new("GuestSurfaces.Wayland", "", "WaylandProxy", "IProxyType", "", "Listener", "Listener", "DispatchEvent", IsServer: false);

    internal static Side Server { get; } =
        new("GuestSurfaces.Wayland.Server", "Resource", "WaylandResource", "IResourceType", "Send", "Requests", "Handler", "DispatchRequest", IsServer: true);

    internal EquatableArray<MessageModel> Outgoing(InterfaceModel type) => IsServer ? type.Events : type.Requests;

    internal EquatableArray<MessageModel> Incoming(InterfaceModel type) => IsServer ? type.Requests : type.Events;

    internal string Class(string interfaceName) => Naming.Pascal(interfaceName) + ClassSuffix;

    internal string Receiver(string interfaceName) => "I" + Naming.Pascal(interfaceName) + ReceiverSuffix;
}
