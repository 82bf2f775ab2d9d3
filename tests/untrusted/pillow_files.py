"""Small pictures as Pillow 13 writes them, 16 by 12 pixels, named by their content."""

from base64 import b85decode

PNG = b85decode(
    "iBL{Q4GJ0x0000DNk~Le0000G0000C2m$~A0OW<L)&KwiLrFwIRCwBz%ef5zAPfYs3;)wlu>Y)d2muK}a%%$6emHahq&I_6T7%Wtf_plHmt8{;"
    "a3OMpkgnvAPtQ;`now5*ko^SwlQGih00000NkvXXu0mjf"
)
PNG_ANCILLARY = b85decode(
    "iBL{Q4GJ0x0000DNk~Le0000G0000C1Oos70GY`kvH$=85_CmabW?9;ba!ELWdLDrAZ27}bZ>GS(%tO<000$fR9JLWX>@F5009610C=2xI(r`g"
    "1f~K%^}a~C0000OP)t-"
    "s(7t?#zEQAvLNLA^FnAKMJRz_O1~4cF@Cu7I00001bW%=J06^y0W&i*H32;bRa{vGf6951U69E94oEQKA076MbK~#90P0Ya!fFKkE(f0`jSd=|"
    "kr7aLE5Gw#KKZZGNW|N7F`JqTEqNf>Y?l=%9+I|&GwAvXxUImY_1^=-CH(U<&5oP!000000NkvXXu0mjf"
)
PNG_ANIMATED = b85decode(
    "iBL{Q4GJ0x0000DNk~Le0000G0000C2m$~A0OW<L)&Kwi2w`JXOaK4?0ssI20P~HLZ~y=R8fIfuOaK4?000005C8xG3;+NC00000000316aWBp"
    "X?OGh002WtL_t(|oR!PD4FDhv1h5PL(@?PgtaJzg2|;pe0?>XqbO59`gHc+8)!2f2I)j&8LlAHwa)gks<d9F#P&S%SR|Am!1pG0#Eph+=02*dv"
    "R7?N>0096101yBG01N;C000000000102BZK?;4#T0001NW@JHB00002c$|&PyAgsw6hP4ftf84DSOBfrDW#Yy-++<9g?Y=&4bQEB4v%|W`+Om-"
    "!y9HMMh1Gme7KQls8?AWHeFpAa$OwudM*x`o{B@J$9OpEAs&vp4~A2nf+5q*uk&HA>;GT@<WO7YDX_5B00000NkvXXu0mjf"
)
JPEG = b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV02>k%7Zed27Zw*D92+1gLMtdGB`8rkJupIGRb^yfRb5+Zc$tA}agcLcU4^xVke;Kft*d8%yve$z$C;?B"
    "r2pFhLjfEf9w;LyPAe-;q;6eqq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@@4A01*fP3;+-"
    "V0U`hb5di}c0sq7R9{>OW1pxs80RaI300000000010s{mE1_uZU3Jd?l0JRVR0s#X90t5pE1q1{D00Dgg0s{a95d{(<F+m0sQDFxnaTGFvk)a4"
    "9Lb1UWQqk}vGh%Xr2?`b$7#SKRCMPH<Dl|1VH#j*uLqtVJM@UIZQ&d$}S6EqEV`OD!XJ~0^b98lfcX)YvgM@{Khlq)al9QB`mY0~BnxdnmrKYE"
    "-sj9NGw6(UkxVgH*!^FkL$H>Xb($mz{*4NnC+Tr5k<mKk)=;`Y5^7Hid_V@Vt`v1fL9{~UZ0RaI40RaI40RR91000010s{mE1_uZU3Jd?l0JRY"
    "S0s#U91Oo&I1q1{D0Rndb0RjUN1O*{61`<J02Vrp&A~Jyp6he`qvB3!=Gg9ysVsg<679=#`CGi&+85$-hC@Cs6Ha9pqIzvQ7Mn_0VN>fx-"
    "R##YAT4Q8oW@l(=YIAgTc6WGrdV+(5g@%WSiHeewl$Dm3n3<ZQqok##r>Lo_va__cwzs&sy28W6#m2|T$;#5x)YaD4*xB0R<K*S$=jiF`^7Hid"
    "_V@Vt`v2Mh3<CiG0ucid06zfBiqqPzMQ80-A&q@1^f4!;aw+o$8xqg|*#"
)
JPEG_PROGRESSIVE = b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV02>k%7Zed27Zw*D92+1gLMtdGB`8rkJupIGRb^yfRb5+Zc$tA}agcLcU4^xVke;Kft*d8%yve$z$C;?B"
    "r2pFhLjfEf9w;LyPAe-;q;6eqq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@@4C01*fP3;+-"
    "V0U`hb5di}c0sq7R6#xMN00000000000000000097|HJ?l0RaI3000000000000000000C3+5ij#0RRFJ0}ucJ0hO8J|HJ?m5CH)J000000000"
    "00000000963|Jncu0RaF31p+e|f(!q|02L7d0RR910000000000000030RP$m2mu2D0Y3pWzyHJl6%hde000000000000000000pH|Jncu0RjO"
    "5KLK0+!~hf!0RR91000000000000000AphC`2mt{A20sEH|HJ?m5CH)J0000000000000000003H|Jncu0RaF3KOw}DPygBg3<CiG0ssR5000m"
    "R|HJ?l5di@J00000000000000000061+5iXv0|5a)5WD}x02L7d0RR910000000000000000sq<n2mt~C0Y4Cn|HJ?m5CH)J00000000000000"
    "0002>8|Jncu0RaF3KM>851aJS@"
)
JPEG_EXIF_ICC = b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|KR{QMR;ju002!*04e|g00;mA0S^EI000090000c0TKWM000010096100000VIX5+ZDn#{0095u0FX&TLtju*"
    "Pew^hMF0T-0006^Y-"
    "4S61V8`)ZEkdOQb$4{SXo*i2kHO|02Kfa0000QVPkV}K~PXk000000000000000000000000000000008#Z00961007f1Y-"
    "4S60000000000000000000000000000000000000000000000000000000|Na0AVIX5~ZEa<4bpP7`LjW5R6c-"
    "c`8y6NA9vmAWC_*bJB_$|PIz2E#U{z&gUsYXOYIvD}YH^TrTU~{<hLE14tF5bNfV|1NrpKA6tEB(i07C&B9v&zoC{8OYPNZ&KZlt87q@<*zq@<"
    "*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<+(zyJ{l01N;S0|6oc0uccN5dr_i03QGV0R;g80RaI400000000000RjUA1qK"
    "HQ2?`7U!~nGr00IF60|EpC1qB2I0004f0RjU61Q7)iAu&M)6H#FYB5@QlfsvsIBSNvk6;jdgBr{@if(Z&17Z@2DB_<~*DJnEIHa9pqIzvQ7Mn_"
    "0VN>fx-"
    "R##YAT4Q8oW@l(=YIAgTc6WGrdV_?8hKGoWijtF*m6n&7nVO=bq@|{(sHv*5v$VCgx45~w!o$SH#>dFX%F@%+)z;V8+1laa<K*S$=jiF`@$&QZ"
    "_4fDp`TGCF03QJW0|5a60RaI40RaF2000000RjUA1qKHQ2?`7U!~nGs00IF51Ox*F2L%KK009Db009C65d;MxF$NMrQ3qjh6CyH!2oyq*p|QaU"
    "BQsL)6=HJH3Kk?Z;U)1G7#SKSCnzZ@H8wXmIXXi`MMg(RNlH^xRaRG6Sz2RcWoBn+X=-"
    "zHb#`}nd3u6_goTEOh>41lla!T~mzbHFqNAjxrl+W>s<N}RwYImoxw^u`#Kp$P$jQpm)6~`0*Vx(G;^XAy=I7|?>hkmS_4fDp`TGCe00aO5|Jn"
    "cy0|5X65d#qbKLE>$)7q{@XYE%ZjeRQgF(;*RDf0#!63_qH"
)
JPEG_MPF = b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|Kb2>O;APvNl7XI2mk;80{{T92LJ>B001yCFfakI1ONd500062000882LK=d001%o00000000000|4^^00000"
    "0000000000004;s007ql00000001B$ARr(hARr(hARr(hARzzS07C#95)>B{5gQj47aklNASgmBC?zE*Q93;^LSR*8WM5TXTWWZjfogG(b6Z`7"
    "wT6(MqpPi}XMnuPx~9jOsH>#^+W<oW93CDhBPdQQD^8?tU2deLq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*z"
    "|G)qd2mlNK5CZ`s00I#K0}%oL!~h=v009L70RaI40RR9100000009C61O)~M2nh-"
    "c|HJ^b5C8%J0|NpC0|f;H1ONa5eE|Xk00a>Q5+N}`1`|<X2O@D4GJ%ny2qQwV!4*=`@FX*0a)Jp878e*98YLztC@Cs5H8wXmIXXi`MMg(RNlH^"
    "xRaRG6Sz2RcWoBn+X=-"
    "zHb#`}nd3u9{g@%WSiHeewl$Dm3n3<ZQqok##r>Lo_va__cwzs&sy28W6#m2|T$;#5x)YaD4*xB0Q;^XAy=I7|?>hbdP^!4`l`1$((!~h=w00R"
    "L50RaI40RaI300000009C61O)~M2nh-"
    "c|HJ^b5dZ=K0t5sD1P28K1ONd7cK`tb0}%uTAu$FLK~V=`aT6jkfd~{rk)g4{2_rL7@D*Zm(FztMG~p%j7Z@2DCMPH<Dm6AYI5|2)L`6nNNJ&a"
    "lR8>}2SXo+QWMyV&XlZJ5bai%jczJq)gM@{Khlq)al9QB`mY0~BnxdnmrKYE-sj9NGw6(UkxVgH*!^FkL$H>Xb($mz{*4NnC+T!En<>u$;>FV<"
    "H^!4`l`1$((+5ij#0RRFK0}%i}0LzNg+O9=s?N=d<eJb=ZC#7;J^9CCd&;Qx~*#F=F5K2Z#MgRc;000310RRC1+W<oV8xj;36cHO278f2I8z3k"
    "`D<~x;C{a2+FhXEeWn^DfU0Z5+nSp9?kaJsIg|&u|o};U+t7m|`$-"
    "1V;nW(Fz|JwjV0URD4C?hCND=SW<Ze4Dqq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zq@<*zr2oJG5eNVb01yKKA^"
    "-vr0Rs^M|HJ?v000360RaI40RaF200000000330|W&I2M7rY3;)CbwGaRT0Rsa91Oo*H1Oxy80et}i0{{dO1ri}KK?W01VFw~{6f%L4p$H>FvB"
    "4Em(eNZQVse5B3Kka_85$)fCnzZ@G&MFiI5|2)L`6nNNJ&alR8>}2SXo+QWMyV&XlZJ5bai%jczJq*goTEOh>41lla!T~mzbHFqNAjxrl+W>s<"
    "N}RwYImoxw^u`#Kp$P$jQpm)6~`0*Vx(G;o{@u<>u$;>FV+F^Yr!h_xSnx|HJ?v0RRI50RaI40RaI400000000330|W&I2M7rY3;)CbwGjXU0R"
    "jXB0|W;J1Oxy90(Srb0s|2Q1tBp85<yW1VQ~{8GJyybLXn}d!3iTXQt%aGa?uJFBsAeA@fR2w8YU+wDJnHKH#j*uLqtVJM@UIZQ&d$}S6EqEV`"
    "OD!XJ~0^b98lfcX)Yvf`f#GhKGoWijtF*m6n&7nVO=bq@|{(sHv*5v$VCgx45~w!o$SH#>dFX%F@%+)z;V8+1ldc<mKk)=;`Y6^Yr!h_xSnx|J"
    "ncy0|5X65d#qbKLDO<&w8ab-@Q_nSM{or$lkTgq0DWG!z2IM"
)
JPEG_CMYK = b85decode(
    "|JeWT01iQ9Z(?NtWB>pF0095n07C#95)>B{5gQj47aklNASgmBC?zE*Q93;^LSR*8WM5TXTWWZjfogG(b6Z`7wT6(MqpPi}XMnuPx~9jOsH>#^"
    "zyK5o01N;S1Va%3O%VWD5dcdO0RO}Q9{>OW1pxs80RaI300000000010s{mE1_uZU3Jd?l0JRVR0s#X90t5pE1q1{D00Dgg0s{a95d{(<F+m0s"
    "QDFxnaTGFvk)a49Lb1UWQqk}vGh%Xr2?`b$7#SKRCMPH<Dl|1VH#j*uLqtVJM@UIZQ&d$}S6EqEV`OD!XJ~0^b98lfcX)YvgM@{Khlq)al9QB`"
    "mY0~BnxdnmrKYE-sj9NGw6(UkxVgH*!^FkL$H>Xb($mz{*4NnC+Tr5k<mKk)=;`Y5^7Hid_V@Vt`v2Mh4g^C0O#oQ{O8@{r0Ls(*R(JMq`!&wS"
    "o2#a-n@{aW_HX+&Vmn>ksIF&E?OjKaAEhOz2NYLLr}m@BkJ7d+V^fYOum9N"
)
GIF = b85decode(
    "M@dFFH(?L}3;==v0MNdCh`v#<ctS9~9WZzjusk8K3I;GJ1}p#o000mG3;+NKPXG@H9C*Nh!Gi}04n)XM;lKhABSLg|K%zy01TtEbn6YC=0U$$y"
    "^!QPvNRk-?m=pj2z<`%92Lza@vSrJdFKN!Sc@wA306bm#)EP7&06P"
)
GIF_ANIMATED = b85decode(
    "M@dFFIbje03;=-u0I;A~FrXN)C>Ag%1|k0oPDNBxLqSkQGA=L!0RR91A^r+<cW)qOa$#*{a{wXv1ONp9001li0000G01N;C2tEJ@2plL-fWd<X"
    "2@*tzP+>ua2OSQ87||icgaQL-"
    ")OZkpM~@pr2KY!4fXIy{Kb{<!66DF2E=9sL`4VP803rDV0R;dA04x9i000mG3;=<6v_yDXB6t)C00008MgRv45I``1!2kdfCKM=;pn!u26#`&5"
    "u;4+76B#;$h>_yPixNFrG}uw&$cPF>J_MQ4<Vuzq8=gcNli~o5Eo};fDKH=aI{"
)
WEBP_LOSSY = b85decode("Qb|TeIsgCwS4BclR!}$~E&u=kumJ#_0V)sx3;+i}mL;$PbO8wxX^;T^<PbxKDYtZ%T4B@TI0)Z<`}Hmi000")
WEBP_LOSSLESS = b85decode(
    "Qb|TeN&o-=S4BclR!}%hJ^%m!FAu;103RSEAXDa;Xaa#i64HpH3kis3fJK(uHveIaI2#l+k{Tfm6DJK5m;h%#t%ZpG2T{cG7sC|LEk6"
)
WEBP_ALPHA_EXIF = b85decode(
    "Qb|Tega7~lS4BclR!}%t3IG5A2mk;84*&oQ0034{I3O+n006K70G$CU5C9AS2>`4mumW@e5b=-"
    "N0RGxt1O`zOpL(7JttU%!YnW`{EdT%jMOaBjFaQ7mO-%qQ0000800IFI00IC200{s9044zv00RI30096200000003biV_|J&a$x`f"
)
WEBP_ANIMATED = b85decode(
    "Qb|Te+5i9mS4BclR!}%t3IG5A0ssI24*&oQ002QwNlgX-"
    "0000000000K~7CZOaK4?00000000jF01E&B00002R!}$~GynhqPyqm)0V)sx3;+oLtR=7j1atrZ{j+!Z*3aQ@>zu&~=M!ybF<*Q}F679KHsiP("
    "bA$i@K~7CZS^xk500000000jF01E&B00000R!}$~LI3~&Q~>~;0V)sx3;+NCtR=7j1pR;j{^L{PjQ#dAkw^YYX@40XJ<Z)~Joh(stn#L733>nR"
    "k#Zna&SKw&*T^?eSO5"
)
