// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using GuestSurfaces.Wayland.Scanner;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

public sealed class ScannerTests
{
    /// <summary>GS_UPDATE_GOLDEN=1 writes what comes out instead of comparing it.</summary>
    [Fact]
    public void The_generated_text_is_the_committed_one()
    {
        var xml = Repository.Path("tests/golden/scanner/tiny.xml");
        var golden = Repository.Path("tests/golden/scanner/tiny.cs.txt");
        var model = ProtocolXml.Read("tiny.xml", File.ReadAllText(xml));
        Assert.Empty(model.Problems);
        Assert.Empty(References.Check([model]));
        var text = ProtocolEmitter.Emit(model) + "\n" + ProtocolEmitter.EmitIndex(model.Interfaces);
        if (Environment.GetEnvironmentVariable("GS_UPDATE_GOLDEN") == "1")
            File.WriteAllText(golden, text);
        Assert.Equal(File.ReadAllText(golden), text);
    }

    [Fact]
    public void Models_are_equal_by_content_so_that_the_compiler_can_cache()
    {
        var text = File.ReadAllText(Repository.Path("protocol-xml/wayland.xml"));
        Assert.Equal(ProtocolXml.Read("a", text), ProtocolXml.Read("a", text));
        Assert.NotEqual(ProtocolXml.Read("a", text), ProtocolXml.Read("a", text.Replace("wl_surface", "wl_plane", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("<protocol", 1, "not well-formed")]
    [InlineData("<protocols name='p'/>", 1, "not <protocol>")]
    [InlineData("<protocol/>", 1, "needs a 'name'")]
    [InlineData("<protocol name='p'>\n<interface name='a' version='x'/></protocol>", 2, "must be a number")]
    [InlineData("<protocol name='p'>\n<interface name='a' version='1'/>\n<interface name='a' version='1'/></protocol>", 3, "described twice")]
    [InlineData("<protocol name='p'><interface name='a' version='1'><request name='r' since='2'/></interface></protocol>", 1, "the interface has version 1")]
    [InlineData("<protocol name='p'><interface name='a' version='3'><event name='r' since='2'/><event name='s'/></interface></protocol>", 1, "goes down")]
    [InlineData("<protocol name='p'><interface name='a'><request name='r'>\n<arg name='x' type='float'/></request></interface></protocol>", 2, "no argument type 'float'")]
    [InlineData("<protocol name='p'><interface name='a'><request name='r'><arg name='x' type='int' allow-null='true'/></request></interface></protocol>", 1, "can't be null")]
    [InlineData("<protocol name='p'><interface name='a'><request name='r'><arg name='x' type='fd' enum='e'/></request></interface></protocol>", 1, "can't have an enum")]
    [InlineData("<protocol name='p'><interface name='a'><enum name='e'><entry name='x'/></enum></interface></protocol>", 1, "'value' must be a number")]
    public void Bad_xml_is_a_problem_with_a_place(string xml, int line, string message)
    {
        var problem = Assert.Single(ProtocolXml.Read("file.xml", xml).Problems);
        Assert.Equal(line, problem.Line);
        Assert.Contains(message, problem.Message);
    }

    [Fact]
    public void Names_that_are_described_nowhere_are_found()
    {
        var model = ProtocolXml.Read("x", """
            <protocol name='p'><interface name='a'><request name='r'>
              <arg name='o' type='object' interface='b'/><arg name='e' type='uint' enum='a.e'/>
            </request></interface></protocol>
            """);
        Assert.Equal(["a.r: interface b isn't described", "a.r: enum a.e isn't described"], References.Check([model]).Select(problem => problem.Message));
    }
}
