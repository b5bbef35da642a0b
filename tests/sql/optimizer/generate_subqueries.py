#!/usr/bin/env python3
"""Writes random queries full of subqueries as an sqllogictest file, answers by SQLite.

    generate_subqueries.py SEED COUNT FILE

Every query is asked twice: with the optimizer's rules and without. Small integers and NULLs,
so that SQLite's and PostgreSQL's meanings agree.
"""
import random,sqlite3,sys
seed=int(sys.argv[1]); n=int(sys.argv[2]); out=open(sys.argv[3],'w')
R=random.Random(seed)
db=sqlite3.connect(':memory:')
def ex(s):
    db.execute(s); out.write("statement ok\n%s\n\n"%s)
ex("CREATE TABLE t1(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER NOT NULL)")
ex("CREATE TABLE t2(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER NOT NULL)")
ex("CREATE TABLE t3(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER NOT NULL)")
ex("CREATE INDEX t1a ON t1(a)"); ex("CREATE INDEX t2ab ON t2(a,b)"); 
for t,k in (('t1',12),('t2',25),('t3',9)):
    for i in range(1,k+1):
        v=lambda: 'NULL' if R.random()<0.15 else str(R.randint(0,5))
        ex("INSERT INTO %s VALUES (%d,%s,%s,%d)"%(t,i,v(),v(),R.randint(0,5)))
cnt=[0]
def alias():
    cnt[0]+=1; return 'x%d'%cnt[0]
def col(scope):
    a=R.choice(scope); return a+'.'+R.choice(['a','b','c','id'])
def val(scope,d):
    r=R.random()
    if r<0.55: return col(scope)
    if r<0.75: return str(R.randint(0,6))
    if r<0.85: return '(%s + %s)'%(col(scope),col(scope))
    if r<0.9: return 'coalesce(%s,%d)'%(col(scope),R.randint(0,5))
    if d>0: return scalar(scope,d-1)
    return col(scope)
def cmp(): return R.choice(['=','=','=','<','>','<=','<>'])
def pred(scope,d,inner=None):
    r=R.random()
    if d>0 and r<0.45:
        k=R.random()
        if k<0.35: return R.choice(['EXISTS','NOT EXISTS'])+' (%s)'%sub(scope,d-1,R.choice(['1','*']))
        if k<0.75: return '%s %s (%s)'%(val(scope,0),R.choice(['IN','NOT IN']),sub(scope,d-1,None))
        return '%s %s %s'%(val(scope,0),cmp(),scalar(scope,d-1))
    if r<0.6 and d>0: return '(%s %s %s)'%(pred(scope,d-1),R.choice(['OR','AND']),pred(scope,d-1))
    if r<0.65: return '%s IS %sNULL'%(col(scope),R.choice(['','NOT ']))
    if r<0.7: return 'NOT (%s)'%pred(scope,max(d-1,0))
    return '%s %s %s'%(val(scope,d if r>0.95 else 0),cmp(),val(scope,0))
def frm(n,scope,d):
    al=[];s=''
    for i in range(n):
        a=alias();
        t=R.choice(['t1','t2','t3'])
        src='%s %s'%(t,a)
        if R.random()<0.12: src='(SELECT id, a, b, c FROM %s WHERE %s) %s'%(t,pred([t],0),a)
        if i==0: s=src
        else:
            j=R.choice(['JOIN','LEFT JOIN',','])
            if j==',': s+=' CROSS JOIN '+src
            else: s+=' %s %s ON %s'%(j,src,' AND '.join(['%s.%s = %s.%s'%(a,R.choice(['a','b','c','id']),R.choice(al),R.choice(['a','b','c','id']))]+([pred(al+[a],0)] if R.random()<0.3 else [])))
        al.append(a)
    return s,al
def corr(scope,al):
    p=['%s.%s %s %s'%(R.choice(al),R.choice(['a','b','c','id']),R.choice(['=','=','=','=','<','<>']),col(scope)) for _ in range(R.choice([0,1,1,1,2]))]
    return p
def sub(scope,d,what):
    if R.random()<0.12:
        return sub1(scope,d,what or '1',False)+R.choice([' UNION ALL ',' UNION ',' EXCEPT ',' INTERSECT '])+sub1(scope,d,what or '1',False) if what!='*' else sub1(scope,d,what,True)
    return sub1(scope,d,what,True)
def sub1(scope,d,what,lim):
    s,al=frm(R.choice([1,1,1,2]),scope,d)
    p=corr(scope,al)
    if R.random()<0.4: p.append(pred(al+(scope if R.random()<0.4 else []),d))
    w=what
    full=al+scope if R.random()<0.2 else al
    tail=''
    if w is None:
        if R.random()<0.2:
            g=col(al); w=R.choice(['max(%s)','count(%s)','sum(%s)'])%col(al); tail=' GROUP BY '+g
            if R.random()<0.3: tail+=' HAVING count(*) %s %d'%(R.choice(['>','<']),R.randint(0,3))
        elif R.random()<0.15: w='DISTINCT '+col(al)
        else: w=val(full,0)
    q='SELECT %s FROM %s'%(w,s)
    if p: q+=' WHERE '+' AND '.join(p)
    return q+tail
def scalar(scope,d):
    s,al=frm(R.choice([1,1,2]),scope,d)
    p=corr(scope,al)
    if R.random()<0.4: p.append(pred(al+(scope if R.random()<0.4 else []),d))
    w=' WHERE '+' AND '.join(p) if p else ''
    r=R.random()
    if r<0.75:
        g=R.choice(['count(*)','count(%s)'%col(al),'sum(%s)'%col(al),'max(%s)'%col(al),'min(%s)'%col(al),'count(DISTINCT %s)'%col(al),'max(%s)+count(*)'%col(al),'coalesce(sum(%s),7)'%col(al)])
        if R.random()<0.1: g=g+' + '+col(scope) if R.random()<.5 else g
        return '(SELECT %s FROM %s%s)'%(g,s,w)
    return '(SELECT %s FROM %s%s ORDER BY %s LIMIT 1%s)'%(col(al),s,w,', '.join(a+'.id' for a in al),R.choice(['',' OFFSET 1']))
def query():
    s,al=frm(R.choice([1,1,2,2,3]),[],2)
    r=R.random()
    where=' WHERE '+' AND '.join(pred(al,2) for _ in range(R.choice([1,1,2]))) if R.random()<0.85 else ''
    if r<0.6:
        cols=[val(al,1) if R.random()<0.6 else (scalar(al,1) if R.random()<0.7 else 'CASE WHEN %s THEN 1 ELSE 0 END'%pred(al,1)) for _ in range(R.choice([1,2,3]))]
        q='SELECT %s FROM %s%s'%(', '.join(cols),s,where)
        if R.random()<0.1: q='SELECT DISTINCT'+q[6:]
        return q,len(cols)
    k=col(al); ag=R.choice(['count(*)','sum(%s)'%col(al),'max(%s)'%col(al)])
    having=' HAVING %s %s %s'%(ag,cmp(),R.choice(['1','2','(SELECT count(*) FROM t3)'])) if R.random()<0.4 else ''
    return 'SELECT %s, %s FROM %s%s GROUP BY %s%s'%(k,ag,s,where,k,having),2
import time
done=0
kept=[]
while done<n:
    q,k=query()
    t0=time.time()
    db.set_progress_handler(lambda: 1 if time.time()-t0>0.5 else 0,10000)
    try: rows=db.execute(q).fetchall()
    except Exception as e: continue
    if len(rows)>60: continue
    if any(isinstance(v,(float,str)) for r in rows for v in r): continue
    kept.append("query %s rowsort\n%s\n----\n"%('I'*k,q))
    f=lambda v:'NULL' if v is None else str(v)
    for r in sorted([[f(v) for v in r] for r in rows]):
        kept.append("\n".join(r)+"\n")
    kept.append("\n"); done+=1
out.write("".join(kept))
out.write("statement ok\nPRAGMA optimizer = off\n\n")
out.write("".join(kept))
out.close()
