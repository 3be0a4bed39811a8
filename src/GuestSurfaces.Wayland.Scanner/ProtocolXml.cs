// SPDX-License-Identifier: MIT
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Xml;
using System.Xml.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>Reads the standard Wayland XML schema. Never throws: what is wrong becomes a problem of the model.</summary>
public sealed class ProtocolXml
{
    private readonly string _path;
    private readonly List<ScanProblem> _problems = [];

    private ProtocolXml(string path) => _path = path;

    /// <summary>Reads one file.</summary>
    /// <param name="path">Its path, for diagnostics.</param>
    /// <param name="text">Its contents.</param>
    public static ProtocolModel Read(string path, string text)
    {
        var reader = new ProtocolXml(path);
        try
        {
            // The DTD that some files name is of no use and must not be fetched.
            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null };
            using var xml = XmlReader.Create(new System.IO.StringReader(text), settings);
            return reader.Protocol(XDocument.Load(xml, LoadOptions.SetLineInfo).Root!);
        }
        catch (XmlException e)
        {
            return new ProtocolModel(string.Empty, path, default, new([new ScanProblem(path, e.LineNumber, $"this is not well-formed XML: {e.Message}")]));
        }
    }

    private ProtocolModel Protocol(XElement root)
    {
        if (root.Name.LocalName != "protocol")
            Report(root, $"the root element is <{root.Name.LocalName}>, not <protocol>");
        var interfaces = root.Elements("interface").Select(Interface).ToArray();
        foreach (var twice in interfaces.GroupBy(i => i.Name).Where(group => group.Count() > 1))
            _problems.Add(new ScanProblem(_path, twice.Last().Line, $"interface {twice.Key} is described twice"));
        return new ProtocolModel(Attribute(root, "name"), _path, new(interfaces), new(_problems));
    }

    private InterfaceModel Interface(XElement element)
    {
        var version = Number(element, "version", 1);
        return new InterfaceModel(
            Attribute(element, "name"), version, Summary(element), Line(element), Messages(element, "request", version), Messages(element, "event", version), new(element.Elements("enum").Select(Enum)));
    }

    private EquatableArray<MessageModel> Messages(XElement parent, string tag, uint version)
    {
        var last = 1u;
        var messages = new List<MessageModel>();
        foreach (var element in parent.Elements(tag))
        {
            var since = Number(element, "since", 1);
            if (since < last)
                Report(element, "'since' goes down: opcodes are positions, so newer messages stand after older ones");
            if (since > version)
                Report(element, $"'since' is {since} but the interface has version {version}");
            last = Math.Max(last, since);
            var args = element.Elements("arg").Select(Arg).ToArray();
            if (args.Count(static arg => arg.Kind == ArgKind.NewId) > 1)
                Report(element, "more than one new_id");
            messages.Add(new MessageModel(
                Attribute(element, "name"), messages.Count, since, (string?)element.Attribute("type") == "destructor", Summary(element), Line(element), new(args)));
        }

        return new(messages);
    }

    private ArgModel Arg(XElement element)
    {
        var type = Attribute(element, "type");
        ArgKind? kind = type switch
        {
            "int" => ArgKind.Int,
            "uint" => ArgKind.UInt,
            "fixed" => ArgKind.Fixed,
            "string" => ArgKind.String,
            "array" => ArgKind.Array,
            "fd" => ArgKind.Fd,
            "object" => ArgKind.Object,
            "new_id" => ArgKind.NewId,
            _ => null,
        };
        if (kind is null)
            Report(element, $"there is no argument type '{type}'");
        var allowNull = (string?)element.Attribute("allow-null") == "true";
        if (allowNull && kind is not (ArgKind.String or ArgKind.Object))
            Report(element, $"an argument of type {type} can't be null");
        var enumName = (string?)element.Attribute("enum");
        if (enumName is not null && kind is not (ArgKind.Int or ArgKind.UInt))
            Report(element, $"an argument of type {type} can't have an enum");
        return new ArgModel(Attribute(element, "name"), kind ?? ArgKind.UInt, (string?)element.Attribute("interface"), enumName, allowNull);
    }

    private EnumModel Enum(XElement element)
    {
        var entries = element.Elements("entry").Select(entry => new EntryModel(Attribute(entry, "name"), Number(entry, "value", null), Number(entry, "since", 1))).ToArray();
        return new EnumModel(Attribute(element, "name"), (string?)element.Attribute("bitfield") == "true", Line(element), new(entries));
    }

    private uint Number(XElement element, string name, uint? fallback)
    {
        var text = (string?)element.Attribute(name);
        if (text is null && fallback is { } value)
            return value;
        var isHex = text?.StartsWith("0x", StringComparison.OrdinalIgnoreCase) == true;
        if (isHex ? uint.TryParse(text!.Substring(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number)
            : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return number;
        }

        Report(element, $"attribute '{name}' must be a number");
        return 0;
    }

    private string Attribute(XElement element, string name)
    {
        var value = (string?)element.Attribute(name);
        if (!string.IsNullOrEmpty(value))
            return value!;
        Report(element, $"<{element.Name.LocalName}> needs a '{name}'");
        return "missing";
    }

    private static string Summary(XElement element) => (string?)element.Element("description")?.Attribute("summary") ?? string.Empty;

    private static int Line(XElement element) => ((IXmlLineInfo)element).LineNumber;

    private void Report(XElement element, string message) => _problems.Add(new ScanProblem(_path, Line(element), message));
}
